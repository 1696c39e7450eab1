#pragma once
#include <cstdint>
#include <vector>

#include "core/config.h"
#include "core/dtype.h"

namespace resident {

/** One sequence's part of a step, as far as its memory goes. */
struct SequenceShape {
  uint64_t rows;
  uint64_t context;     // the last row's position + 1
  bool one_run = true;  // the blocks of its context are adjacent
};

struct StepShape {
  std::vector<SequenceShape> sequences;
  uint64_t wanted_rows = 0;  // whose logits are computed
  DataType activations = DataType::kF32, kv_dtype = DataType::kF32;

  uint64_t rows() const;
};

/**
 * Whether MLX attends in one kernel, which makes neither scores nor copies of K and V. Its own rule
 * (ScaledDotProductAttention::use_fallback of backend/metal/scaled_dot_product_attention.cpp, 0.32), for equal head
 * sizes of queries and values. On a CPU it never does.
 */
bool FusesAttention(bool is_gpu, int head_dim, int heads, int kv_heads, uint64_t rows);

// Bytes that a step allocates at once for its intermediate results: upper bounds, without what lives longer than the
// step (weights, slabs).

/** Of stock operations, on MLX's GPU or its CPU. */
uint64_t StockStepBytes(const ModelConfig& config, bool is_gpu, const StepShape& shape);

/** Of our own kernels with so many threads. */
uint64_t KernelStepBytes(const ModelConfig& config, int threads, const StepShape& shape);

}  // namespace resident
