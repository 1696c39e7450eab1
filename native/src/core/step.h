#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "core/kv_pool.h"
#include "core/models/decoder.h"
#include "core/ops.h"

namespace resident {

/** One sequence's rows of one step. */
struct SequenceRows {
  std::span<const int32_t> tokens;
  int start;  // position of tokens[0]
  /** Of each group: block ids in order, at least as many as the context needs. */
  std::vector<std::span<const int32_t>> tables;
  enum class Wanted { kNothing, kArgMax, kLogits } wanted;
  int wanted_rows = 1;  // the last ones
};

/** In the place of a row's best id: its largest logit is not finite. */
constexpr int32_t kNoBest = -1;

struct StepResult {
  std::vector<int32_t> best{};  // of the wanted rows of sequences that want kArgMax, in order, or kNoBest
  /**
   * f32 [n, vocab] of those that want kLogits, in order: what was computed, not a copy. The host reads a GPU's memory
   * as it is, and nobody else has the array, so that its contents may be overwritten.
   */
  std::optional<Tensor> logits{};
  double ms = 0;
  int moved_slabs = 0;
  int view_sequences = 0, gathered_sequences = 0;
};

/** How contexts are read: through views where blocks are adjacent, or always gathered (for comparisons). */
enum class ContextPolicy { kViews, kGatherAlways };

/** Whether the table's blocks from `first` on follow each other. */
bool IsOneRun(std::span<const int32_t> table, size_t first);

/** Turns checked rows into what the layers share. */
RowPlan PlanRows(const PoolShape& shape, std::span<const SequenceRows> sequences, ContextPolicy policy);

/**
 * One step: plan, build the graph, commit, evaluate. What became of the pool when it throws, the pool knows. The next
 * step starts when this one is done: one encoded ahead would hold the slabs' buffers and force copies.
 */
StepResult RunStep(const Decoder& model, const Ops& ops, KvPool& pool, std::span<const SequenceRows> sequences,
                   ContextPolicy policy = ContextPolicy::kViews);

}  // namespace resident
