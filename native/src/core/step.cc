#include "core/step.h"

#include <algorithm>
#include <chrono>

#include "core/batch.h"
#include "core/thread_duty.h"
#include "kernels/window.h"

namespace resident {
namespace {

double SteadyMs() {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

bool IsOneRun(std::span<const int32_t> table, size_t first) {
  for (size_t i = first + 1; i < table.size(); ++i) {
    if (table[i] != table[i - 1] + 1) return false;
  }
  return true;
}

RowPlan PlanRows(const PoolShape& shape, std::span<const SequenceRows> sequences, ContextPolicy policy) {
  const int block_tokens = shape.block_tokens();
  RowPlan plan{block_tokens, {}, {}, std::vector<GroupRows>(shape.groups().size()), shape.group_of_layer()};
  for (const SequenceRows& sequence : sequences) {
    const int first_row = plan.rows(), rows = int(sequence.tokens.size()), context = sequence.start + rows;
    for (int i = 0; i < rows; ++i) {
      plan.ids.push_back(sequence.tokens[size_t(i)]);
      plan.positions.push_back(sequence.start + i);
    }
    for (size_t g = 0; g < plan.groups.size(); ++g) {
      const BlockGroup& group = shape.groups()[g];
      const auto table = sequence.tables[g].first(size_t((context + block_tokens - 1) / block_tokens));
      const int first_block = kernels::FirstKey(sequence.start, group.window) / block_tokens;
      SequenceSpan span{first_row, rows, context, {table.begin(), table.end()}, first_block, false};
      for (int32_t& block : span.blocks) block = block == kNoBlock ? kNoBlock : block - group.first_block;
      span.one_run = policy == ContextPolicy::kViews && IsOneRun(span.blocks, size_t(first_block));
      for (int position = sequence.start; position < context; ++position) {
        const int32_t block = span.blocks[size_t(position / block_tokens)];
        plan.groups[g].slots.push_back(block * block_tokens + position % block_tokens);
      }
      plan.groups[g].sequences.push_back(std::move(span));
    }
  }
  return plan;
}

StepResult RunStep(const Decoder& model, const Ops& ops, KvPool& pool, std::span<const SequenceRows> sequences,
                   ContextPolicy policy) {
  const AutoreleasePool of_step;  // a run has many
  const double started = SteadyMs();
  pool.RequireIntact();
  StepResult result;
  std::optional<Tensor> best;
  std::vector<Tensor> outputs;
  Slabs next;
  {
    const RowPlan plan = PlanRows(pool.shape(), sequences, policy);
    std::vector<int> best_rows, logit_rows;
    for (size_t i = 0; i < sequences.size(); ++i) {
      const SequenceSpan& span = plan.groups.front().sequences[i];
      for (int row = span.rows - sequences[i].wanted_rows; row < span.rows; ++row) {
        if (sequences[i].wanted == SequenceRows::Wanted::kArgMax) best_rows.push_back(span.first_row + row);
        if (sequences[i].wanted == SequenceRows::Wanted::kLogits) logit_rows.push_back(span.first_row + row);
      }
      const bool one_run =
          std::ranges::all_of(plan.groups, [&](const GroupRows& group) { return group.sequences[i].one_run; });
      ++(one_run ? result.view_sequences : result.gathered_sequences);
    }
    const Tensor hidden = model.Forward(ops, *ops.PrepareRows(plan), pool.slabs(), next);
    if (!best_rows.empty()) best = ops.Best(model.output(), ops.SelectRows(hidden, best_rows));
    if (!logit_rows.empty()) result.logits = ops.Logits(model.output(), ops.SelectRows(hidden, logit_rows));
  }
  if (best) outputs.push_back(*best);
  if (result.logits) outputs.push_back(*result.logits);
  result.moved_slabs = pool.Commit(std::move(next), std::move(outputs));
  if (best) result.best.assign(best->data<uint32_t>(), best->data<uint32_t>() + best->size());
  result.ms = SteadyMs() - started;
  return result;
}

}  // namespace resident
