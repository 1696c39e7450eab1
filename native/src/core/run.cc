#include "core/run.h"

namespace resident {

BatchRun::BatchRun(const StepBatch& batch, int vocab_size, std::vector<int32_t>& last_sampled)
    : batch_(batch), vocab_size_(size_t(vocab_size)), last_sampled_(last_sampled) {
  size_t row = 0, block = 0;
  for (size_t i = 0; i < batch.sequences(); ++i) {
    const std::span<const int32_t> tokens(batch.tokens.data() + row, size_t(batch.token_counts[i]));
    const std::span<const int32_t> table(batch.tables.data() + block, size_t(batch.table_lengths[i]));
    sequences_.push_back(
        {int(i), {tokens.begin(), tokens.end()}, batch.starts[i], table, batch.sampling[i].penalty_ids});
    if (tokens.front() == kLastSampled) sequences_.back().tokens.front() = last_sampled[i];
    row += tokens.size();
    block += table.size();
  }
  last_sampled.assign(batch.sequences(), kLastSampled);
}

RunStats BatchRun::Run(const StepFunction& step, const RunHooks& hooks) {
  RunStats stats;
  for (int i = 0; i < batch_.steps && !sequences_.empty(); ++i) {
    if (i > 0) hooks.between_steps();
    if (hooks.cancelled()) break;
    std::vector<SequenceRows> rows;
    for (const Sequence& sequence : sequences_) {
      rows.push_back({sequence.tokens, sequence.start, sequence.table, WantedOf(sequence)});
    }
    StepResult result = step(rows);
    stats.build_ms += result.build_ms;
    stats.eval_ms += result.eval_ms;
    stats.moved_slabs += result.moved_slabs;
    stats.view_sequences += result.view_sequences;
    stats.gathered_sequences += result.gathered_sequences;
    hooks.on_tokens(Advance(i, result));
  }
  return stats;
}

SequenceRows::Wanted BatchRun::WantedOf(const Sequence& sequence) const {
  if (!batch_.want_token[size_t(sequence.index)]) return SequenceRows::Wanted::kNothing;
  return batch_.sampling[size_t(sequence.index)].IsPlainGreedy() ? SequenceRows::Wanted::kArgMax
                                                                 : SequenceRows::Wanted::kLogits;
}

std::vector<SampledToken> BatchRun::Advance(int step, StepResult& result) {
  std::vector<SampledToken> sampled;
  std::vector<Sequence> remaining;
  size_t best = 0, logits = 0;
  for (Sequence& sequence : sequences_) {
    const SequenceRows::Wanted wanted = WantedOf(sequence);
    if (wanted == SequenceRows::Wanted::kNothing) continue;
    const SamplingParams& params = batch_.sampling[size_t(sequence.index)];
    const int position = sequence.start + int(sequence.tokens.size());
    Sample sample;
    if (wanted == SequenceRows::Wanted::kArgMax) {
      sample.id = result.best[best++];
    } else {
      sample = SampleToken(std::span(result.logits).subspan(vocab_size_ * logits++, vocab_size_), params,
                           sequence.penalty_ids, position);
    }
    const int32_t id = sample.id;
    last_sampled_[size_t(sequence.index)] = id;
    sampled.push_back({sequence.index, step, std::move(sample)});
    if (params.IsStop(id)) continue;
    if (params.HasPenalties()) sequence.penalty_ids.push_back(id);
    sequence.start = position;
    sequence.tokens.assign(1, id);
    remaining.push_back(std::move(sequence));
  }
  sequences_ = std::move(remaining);
  return sampled;
}

}  // namespace resident
