#pragma once
#include <cstdint>
#include <vector>

#include "core/pool_shape.h"
#include "core/sampler.h"

namespace resident {

/** In a table of layers with a window: no block, all its tokens have left the window. */
constexpr int32_t kNoBlock = -1;

/** `StepBatch` of src/native/binding.ts: flat over rows, sequence after sequence; tables group after group of each. */
struct StepBatch {
  std::vector<int32_t> tokens, token_counts, starts, tables, table_lengths;
  std::vector<uint8_t> want_token;
  std::vector<SamplingParams> sampling;
  /** Tokens that a sequence may sample: one a step, or more where a draft proves right. */
  int steps = 1;

  size_t sequences() const { return token_counts.size(); }
};

struct BatchLimits {
  PoolShape pool;
  int vocab_size;
  int max_context_tokens;
};

/** A row's token that means "the one that this place of the batch sampled last". */
constexpr int32_t kLastSampled = -1;

/**
 * Everything that MLX would not check, and would read or write anywhere for: lengths, ids, positions, block tables, and
 * that no sequence writes a block that another one names. Throws INVALID_REQUEST; `sequence` of its facts is the place
 * in the batch of the one to blame, where one is: without it the others may run. `last_sampled`: of the run before, per
 * place, or kLastSampled where nothing was sampled.
 */
void CheckBatch(const StepBatch& batch, const BatchLimits& limits, const std::vector<int32_t>& last_sampled);

}  // namespace resident
