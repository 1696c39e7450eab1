#include "core/run.h"

namespace resident {

BatchRun::BatchRun(const StepBatch& batch, int vocab_size, std::vector<int32_t>& last_sampled)
    : batch_(batch), vocab_size_(size_t(vocab_size)), last_sampled_(last_sampled) {
  size_t row = 0, block = 0;
  for (size_t i = 0; i < batch.sequences(); ++i) {
    const std::span<const int32_t> tokens(batch.tokens.data() + row, size_t(batch.token_counts[i]));
    const size_t groups = batch.table_lengths.size() / batch.sequences();
    std::vector<std::span<const int32_t>> tables;
    for (size_t g = 0; g < groups; ++g) {
      const size_t length = size_t(batch.table_lengths[i * groups + g]);
      tables.emplace_back(batch.tables.data() + block, length);
      block += length;
    }
    const SamplingParams& params = batch.sampling[i];
    sequences_.push_back({int(i),
                          {tokens.begin(), tokens.end()},
                          batch.starts[i],
                          std::move(tables),
                          params.penalty_ids,
                          PromptLookup(params.lookup_ids),
                          0,
                          0});
    if (tokens.front() == kLastSampled) sequences_.back().tokens.front() = last_sampled[i];
    row += tokens.size();
  }
  last_sampled.assign(batch.sequences(), kLastSampled);
}

RunStats BatchRun::Run(const StepFunction& step, const RunHooks& hooks) {
  RunStats stats;
  for (int i = 0; !sequences_.empty(); ++i) {
    if (i > 0) hooks.between_steps();
    if (hooks.cancelled()) break;
    std::vector<SequenceRows> rows;
    for (Sequence& sequence : sequences_) {
      AddDraft(sequence);
      rows.push_back({sequence.tokens, sequence.start, sequence.tables, WantedOf(sequence), sequence.drafted + 1});
    }
    StepResult result = step(rows);
    stats.step_ms += result.ms;
    stats.moved_slabs += result.moved_slabs;
    stats.view_sequences += result.view_sequences;
    stats.gathered_sequences += result.gathered_sequences;
    hooks.on_tokens(Advance(i, result, stats));
  }
  return stats;
}

SequenceRows::Wanted BatchRun::WantedOf(const Sequence& sequence) const {
  if (!batch_.want_token[size_t(sequence.index)]) return SequenceRows::Wanted::kNothing;
  return batch_.sampling[size_t(sequence.index)].IsPlainGreedy() ? SequenceRows::Wanted::kArgMax
                                                                 : SequenceRows::Wanted::kLogits;
}

void BatchRun::AddDraft(Sequence& sequence) const {
  sequence.drafted = 0;
  if (!sequence.lookup.enabled() || sequence.tokens.size() != 1) return;
  const std::vector<int32_t> draft = sequence.lookup.Draft(batch_.steps - sequence.sampled - 1);
  sequence.tokens.insert(sequence.tokens.end(), draft.begin(), draft.end());
  sequence.drafted = int(draft.size());
}

std::vector<SampledToken> BatchRun::Advance(int step, StepResult& result, RunStats& stats) {
  std::vector<SampledToken> sampled;
  std::vector<Sequence> remaining;
  size_t next_best = 0, next_logits = 0;
  for (Sequence& sequence : sequences_) {
    const SequenceRows::Wanted wanted = WantedOf(sequence);
    if (wanted == SequenceRows::Wanted::kNothing) continue;
    const SamplingParams& params = batch_.sampling[size_t(sequence.index)];
    const size_t best = next_best, logits = next_logits, given = sequence.tokens.size() - size_t(sequence.drafted);
    (wanted == SequenceRows::Wanted::kArgMax ? next_best : next_logits) += size_t(sequence.drafted) + 1;
    // A token is right because those before it are: the first that is not what was guessed ends the step's harvest.
    bool ended = false;
    int accepted = 0;
    for (;; ++accepted) {
      const int position = sequence.start + int(given) + accepted;
      Sample sample;
      if (wanted == SequenceRows::Wanted::kArgMax) {
        sample.id = result.best[best + size_t(accepted)];
      } else {
        const size_t at = vocab_size_ * (logits + size_t(accepted));
        sample = SampleToken(std::span(result.logits).subspan(at, vocab_size_), params, sequence.penalty_ids, position);
      }
      const int32_t id = sample.id;
      last_sampled_[size_t(sequence.index)] = id;
      sampled.push_back({sequence.index, step, std::move(sample)});
      sequence.lookup.Append(id);
      if (params.HasPenalties()) sequence.penalty_ids.push_back(id);
      ended = ++sequence.sampled == batch_.steps || params.IsStop(id);
      if (ended || accepted == sequence.drafted || id != sequence.tokens[given + size_t(accepted)]) {
        sequence.lookup.Learn(sequence.drafted, accepted);
        stats.drafted_tokens += sequence.drafted;
        stats.accepted_tokens += accepted;
        sequence.start = position;
        sequence.tokens.assign(1, id);
        break;
      }
    }
    if (!ended) remaining.push_back(std::move(sequence));
  }
  sequences_ = std::move(remaining);
  return sampled;
}

}  // namespace resident
