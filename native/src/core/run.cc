#include "core/run.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace resident {

BatchRun::BatchRun(const StepBatch& batch, int vocab_size, std::vector<int32_t>& last_sampled, int most_draft,
                   DraftGate& gate)
    : batch_(batch),
      vocab_size_(size_t(vocab_size)),
      last_sampled_(last_sampled),
      most_draft_(most_draft),
      gate_(gate) {
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
                          Penalties(params.penalties, params.answer),
                          PromptLookup(params.lookup_ids),
                          0,
                          0});
    if (tokens.front() == kLastSampled) sequences_.back().tokens.front() = last_sampled[i];
    row += tokens.size();
  }
}

RunStats BatchRun::Run(const StepFunction& step, const RunHooks& hooks) {
  RunStats stats;
  for (int i = 0; !sequences_.empty(); ++i) {
    if (i > 0) hooks.between_steps();
    if (hooks.cancelled()) break;
    const int sequences = int(sequences_.size());
    const bool measured = OnlyDecodes(), may_guess = !measured || gate_.MayGuess(sequences);
    const int drafted = stats.drafted_tokens, accepted = stats.accepted_tokens;
    std::vector<SequenceRows> rows;
    for (Sequence& sequence : sequences_) {
      sequence.drafted = 0;
      if (may_guess) AddDraft(sequence);
      rows.push_back({sequence.tokens, sequence.start, sequence.tables, WantedOf(sequence), sequence.drafted + 1});
    }
    StepResult result = step(rows);
    if (i == 0) last_sampled_.assign(batch_.sequences(), kLastSampled);
    stats.moved_slabs += result.moved_slabs;
    stats.view_sequences += result.view_sequences;
    stats.gathered_sequences += result.gathered_sequences;
    const auto computed = std::chrono::steady_clock::now();
    StepHarvest harvest = Advance(i, result, stats);
    const std::chrono::duration<double, std::milli> sampling = std::chrono::steady_clock::now() - computed;
    stats.step_ms += result.ms + sampling.count();
    if (measured) {
      gate_.Record(sequences, stats.drafted_tokens - drafted, stats.accepted_tokens - accepted,
                   result.ms + sampling.count());
    }
    hooks.on_step(std::move(harvest));
  }
  return stats;
}

SequenceRows::Wanted BatchRun::WantedOf(const Sequence& sequence) const {
  if (!batch_.want_token[size_t(sequence.index)]) return SequenceRows::Wanted::kNothing;
  return batch_.sampling[size_t(sequence.index)].IsPlainGreedy() ? SequenceRows::Wanted::kArgMax
                                                                 : SequenceRows::Wanted::kLogits;
}

bool BatchRun::OnlyDecodes() const {
  return std::ranges::all_of(sequences_, [&](const Sequence& sequence) {
    return sequence.tokens.size() == 1 && batch_.want_token[size_t(sequence.index)] != 0;
  });
}

void BatchRun::AddDraft(Sequence& sequence) const {
  if (!sequence.lookup.enabled() || sequence.tokens.size() != 1) return;
  const std::vector<int32_t> draft = sequence.lookup.Draft(std::min(most_draft_, batch_.steps - sequence.sampled - 1));
  sequence.tokens.insert(sequence.tokens.end(), draft.begin(), draft.end());
  sequence.drafted = int(draft.size());
}

std::optional<Sample> BatchRun::SampleRow(const Sequence& sequence, StepResult& result, size_t row,
                                          int position) const {
  if (WantedOf(sequence) == SequenceRows::Wanted::kArgMax) {
    const int32_t best = result.best[row];
    return best == kNoBest ? std::nullopt : std::optional(Sample{.id = best});
  }
  const std::span logits = std::span(result.logits).subspan(vocab_size_ * row, vocab_size_);
  return SampleToken(logits, batch_.sampling[size_t(sequence.index)], sequence.penalties, position);
}

StepHarvest BatchRun::Advance(int step, StepResult& result, RunStats& stats) {
  StepHarvest harvest;
  std::vector<Sequence> remaining;
  size_t next_best = 0, next_logits = 0;
  for (Sequence& sequence : sequences_) {
    const SequenceRows::Wanted wanted = WantedOf(sequence);
    if (wanted == SequenceRows::Wanted::kNothing) continue;
    const SamplingParams& params = batch_.sampling[size_t(sequence.index)];
    size_t& next_row = wanted == SequenceRows::Wanted::kArgMax ? next_best : next_logits;
    const size_t row = next_row, given = sequence.tokens.size() - size_t(sequence.drafted);
    next_row += size_t(sequence.drafted) + 1;
    // A token is right because those before it are: the first that is not what was guessed ends the step's harvest.
    bool ended = false;
    for (int accepted = 0;; ++accepted) {
      const int position = sequence.start + int(given) + accepted;
      std::optional<Sample> sample = SampleRow(sequence, result, row + size_t(accepted), position);
      if (!sample) {
        const Error error(ErrorCode::kNativeFailure, "the model computed no finite logits",
                          {{"sequence", double(sequence.index)},
                           {"position", double(position)},
                           {"contents", std::string(ContentsName(Contents::kIntact))}});
        harvest.failures.push_back({sequence.index, step, error});
        ended = true;
        break;
      }
      const int32_t id = sample->id;
      last_sampled_[size_t(sequence.index)] = id;
      harvest.tokens.push_back({sequence.index, step, std::move(*sample)});
      sequence.lookup.Append(id);
      if (params.penalties.any()) sequence.penalties.Add(id);
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
  return harvest;
}

}  // namespace resident
