#include "core/step.h"

#include <chrono>

namespace resident {
namespace {

double NowMs() {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  return std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool IsOneRun(std::span<const int32_t> blocks) {
  for (size_t i = 1; i < blocks.size(); ++i) {
    if (blocks[i] != blocks[i - 1] + 1) return false;
  }
  return true;
}

}  // namespace

RowPlan PlanRows(const PoolGeometry& geometry, std::span<const SequenceRows> sequences, ContextPolicy policy) {
  const int block_tokens = geometry.block_tokens;
  std::vector<int> ids, positions, slots;
  std::vector<SequenceSpan> spans;
  for (const SequenceRows& sequence : sequences) {
    const int rows = int(sequence.tokens.size()), context = sequence.start + rows;
    const auto blocks = sequence.table.first(size_t((context + block_tokens - 1) / block_tokens));
    SequenceSpan span{int(ids.size()), rows, context, -1, std::nullopt};
    if (policy == ContextPolicy::kViews && IsOneRun(blocks)) {
      span.first_slot = blocks.front() * block_tokens;
    } else {
      span.blocks = MakeInts({blocks.begin(), blocks.end()});
    }
    spans.push_back(std::move(span));
    for (int i = 0; i < rows; ++i) {
      const int position = sequence.start + i;
      ids.push_back(sequence.tokens[size_t(i)]);
      positions.push_back(position);
      slots.push_back(blocks[size_t(position / block_tokens)] * block_tokens + position % block_tokens);
    }
  }
  return {int(ids.size()), block_tokens, MakeInts(ids), MakeInts(positions), MakeInts(slots), std::move(spans)};
}

StepResult RunStep(const Decoder& model, const Ops& ops, KvPool& pool, std::span<const SequenceRows> sequences,
                   ContextPolicy policy) {
  const double started = NowMs();
  pool.RequireIntact();
  StepResult result;
  std::optional<Tensor> best, logits;
  Slabs next;
  {
    const RowPlan plan = PlanRows(pool.geometry(), sequences, policy);
    std::vector<int> best_rows, logit_rows;
    for (size_t i = 0; i < sequences.size(); ++i) {
      const SequenceSpan& span = plan.sequences[i];
      const int last = span.first_row + span.rows - 1;
      if (sequences[i].wanted == SequenceRows::Wanted::kArgMax) best_rows.push_back(last);
      if (sequences[i].wanted == SequenceRows::Wanted::kLogits) logit_rows.push_back(last);
      ++(span.blocks ? result.gathered_sequences : result.view_sequences);
    }
    const Tensor hidden = model.Forward(ops, plan, pool.slabs(), next);
    const auto logits_of = [&](const std::vector<int>& rows) {
      return model.Logits(ops, ops.SelectRows(hidden, rows));
    };
    if (!best_rows.empty()) best = ops.ArgMax(logits_of(best_rows));
    if (!logit_rows.empty()) logits = ops.ToHostFloats(logits_of(logit_rows));
  }
  std::vector<Tensor> outputs;
  if (best) outputs.push_back(*best);
  if (logits) outputs.push_back(*logits);
  const double built = NowMs();
  result.moved_slabs = pool.Commit(std::move(next), std::move(outputs));
  if (best) result.best.assign(best->data<uint32_t>(), best->data<uint32_t>() + best->size());
  if (logits) result.logits.assign(logits->data<float>(), logits->data<float>() + logits->size());
  result.build_ms = built - started;
  result.eval_ms = NowMs() - built;
  return result;
}

}  // namespace resident
