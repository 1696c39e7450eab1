#include "core/run.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string_view>
#include <utility>

namespace resident {
namespace {

/** The state behind what the answer has so far. What it throws names the sequence. */
std::optional<GrammarLease> LeaseOf(const SamplingParams& params, int sequence) {
  if (params.grammar == nullptr) return std::nullopt;
  try {
    return std::optional<GrammarLease>(std::in_place, params.grammar, params.grammar_ids, params.stop_ids);
  } catch (Error& error) {
    error.AddFact({"sequence", double(sequence)});
    throw;
  }
}

/** The probability of what is the only possibility is 1. */
Sample OnlyOne(int32_t id, int64_t logprobs) {
  Sample sample{.id = id, .has_logprob = logprobs != 0};
  if (logprobs > 0) {
    sample.top_ids = {id};
    sample.top_logprobs = {0};
  }
  return sample;
}

}  // namespace

BatchRun::BatchRun(const StepBatch& batch, int vocab_size, std::vector<int32_t>& last_sampled, int most_draft,
                   DraftGate& gate, kernels::ThreadPool& threads)
    : batch_(batch),
      vocab_size_(size_t(vocab_size)),
      last_sampled_(last_sampled),
      most_draft_(most_draft),
      gate_(gate),
      threads_(threads) {
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
                          0,
                          batch.want_token[i] ? LeaseOf(params, int(i)) : std::nullopt});
    if (tokens.front() == kLastSampled) sequences_.back().tokens.front() = last_sampled[i];
    Force(sequences_.back());
    row += tokens.size();
  }
}

RunStats BatchRun::Run(const StepFunction& step, const RunHooks& hooks) {
  RunStats stats;
  for (int i = 0; !sequences_.empty(); ++i) {
    if (i > 0) hooks.between_steps();
    if (hooks.cancelled()) break;
    const int sequences = int(sequences_.size());
    const bool measured = OnlyDecodes();
    std::map<std::string_view, bool> permissions;
    const auto may_guess = [&](const Sequence& sequence) {
      if (!measured) return true;
      const auto [found, fresh] = permissions.try_emplace(GuesserOf(sequence));
      if (fresh) found->second = gate_.MayGuess(sequences, GuesserOf(sequence));
      return found->second;
    };
    std::vector<SequenceRows> rows;
    for (Sequence& sequence : sequences_) {
      Prepare(sequence, sequence.lookup.enabled() && may_guess(sequence));
      rows.push_back({sequence.tokens, sequence.start, sequence.tables, sequence.wanted, sequence.drafted + 1});
    }
    StepResult result = step(rows);
    if (i == 0) last_sampled_.assign(batch_.sequences(), kLastSampled);
    stats.moved_slabs += result.moved_slabs;
    stats.view_sequences += result.view_sequences;
    stats.gathered_sequences += result.gathered_sequences;
    const auto computed = std::chrono::steady_clock::now();
    std::vector<Guesses> guesses;
    StepHarvest harvest = Advance(i, result, guesses, stats);
    const std::chrono::duration<double, std::milli> sampling = std::chrono::steady_clock::now() - computed;
    stats.step_ms += result.ms + sampling.count();
    if (measured) gate_.Record(sequences, guesses, result.ms + sampling.count());
    for (const Guesses& of : guesses) {
      stats.drafted_tokens += of.drafted;
      stats.accepted_tokens += of.accepted;
    }
    hooks.on_step(std::move(harvest));
  }
  return stats;
}

SequenceRows::Wanted BatchRun::WantedOf(const Sequence& sequence, bool open) const {
  if (!batch_.want_token[size_t(sequence.index)]) return SequenceRows::Wanted::kNothing;
  return open && batch_.sampling[size_t(sequence.index)].IsPlainGreedy() ? SequenceRows::Wanted::kArgMax
                                                                         : SequenceRows::Wanted::kLogits;
}

const std::string& BatchRun::GuesserOf(const Sequence& sequence) const {
  return batch_.sampling[size_t(sequence.index)].guesser;
}

bool BatchRun::OnlyDecodes() const {
  return std::ranges::all_of(sequences_, [&](const Sequence& sequence) {
    return sequence.tokens.size() == 1 && batch_.want_token[size_t(sequence.index)] != 0;
  });
}

std::vector<int32_t> BatchRun::DraftOf(const Sequence& sequence) const {
  if (sequence.tokens.size() != 1) return {};
  return sequence.lookup.Draft(std::min(most_draft_, batch_.steps - sequence.sampled - 1));
}

void BatchRun::Prepare(Sequence& sequence, bool guess) const {
  std::vector<int32_t> draft = guess ? DraftOf(sequence) : std::vector<int32_t>{};
  bool open = true;
  if (sequence.grammar) {
    // A guess that the grammar forbids would be a row for nothing.
    const GrammarState::Walk walk = (*sequence.grammar)->Try(draft);
    draft.resize(walk.allowed);
    open = walk.open;
  }
  sequence.tokens.insert(sequence.tokens.end(), draft.begin(), draft.end());
  sequence.drafted = int(draft.size());
  sequence.wanted = WantedOf(sequence, open);
}

std::optional<Sample> BatchRun::SampleRow(const Sequence& sequence, StepResult& result, size_t row,
                                          int position) const {
  if (sequence.wanted == SequenceRows::Wanted::kArgMax) {
    const int32_t best = result.best[row];
    return best == kNoBest ? std::nullopt : std::optional(Sample{.id = best});
  }
  const std::span logits(result.logits->data<float>() + vocab_size_ * row, vocab_size_);
  if (sequence.grammar) (*sequence.grammar)->Mask(logits);
  return SampleToken(logits, batch_.sampling[size_t(sequence.index)], sequence.penalties, position);
}

void BatchRun::Take(Drawn& drawn, Sequence& sequence, Sample sample) const {
  const SamplingParams& params = batch_.sampling[size_t(sequence.index)];
  const int32_t id = sample.id;
  drawn.samples.push_back(std::move(sample));
  sequence.lookup.Append(id);
  if (params.penalties.any()) sequence.penalties.Add(id);
  drawn.ended = ++sequence.sampled == batch_.steps || params.IsStop(id);
}

void BatchRun::Force(Sequence& sequence) const {
  sequence.forced = 0;
  if (!sequence.grammar) return;
  const int most = std::min(kMostForced, batch_.steps - sequence.sampled - 1);
  while (sequence.forced < most) {
    const std::optional<int32_t> id = (*sequence.grammar)->forced();
    if (!id || batch_.sampling[size_t(sequence.index)].IsStop(*id)) return;
    (*sequence.grammar)->Accept(*id);
    sequence.tokens.push_back(*id);
    ++sequence.forced;
  }
}

BatchRun::Drawn BatchRun::DrawOne(Sequence& sequence, StepResult& result, size_t row) const {
  Drawn drawn;
  try {
    DrawInto(drawn, sequence, result, row);
  } catch (Error& error) {  // of its grammar: nobody else's matter
    drawn.failed = true;
    drawn.error = error;
  }
  return drawn;
}

void BatchRun::DrawInto(Drawn& drawn, Sequence& sequence, StepResult& result, size_t row) const {
  const SamplingParams& params = batch_.sampling[size_t(sequence.index)];
  const size_t given = sequence.tokens.size() - size_t(sequence.drafted);
  for (size_t i = given - size_t(sequence.forced); i < given; ++i) {
    Take(drawn, sequence, OnlyOne(sequence.tokens[i], params.logprobs));
  }
  drawn.forced = sequence.forced;
  // A token is right because those before it are: the first that is not what was guessed ends the step's harvest.
  for (size_t accepted = 0;; ++accepted) {
    const int position = sequence.start + int(given + accepted);
    std::optional<Sample> sample = SampleRow(sequence, result, row + accepted, position);
    drawn.failed = !sample;
    if (!sample) return;
    const int32_t id = sample->id;
    Take(drawn, sequence, std::move(*sample));
    if (sequence.grammar && !params.IsStop(id)) (*sequence.grammar)->Accept(id);
    if (!drawn.ended && int(accepted) < sequence.drafted && id == sequence.tokens[given + accepted]) continue;
    sequence.lookup.Learn(sequence.drafted, int(accepted));
    sequence.start = position;
    sequence.tokens.assign(1, id);
    if (!drawn.ended) Force(sequence);
    return;
  }
}

std::vector<BatchRun::Drawn> BatchRun::DrawAll(StepResult& result) {
  std::vector<Drawn> drawn(sequences_.size());
  std::vector<std::pair<size_t, size_t>> to_sample;  // sequence, row
  size_t best_row = 0, logits_row = 0;
  for (size_t i = 0; i < sequences_.size(); ++i) {
    const size_t rows = size_t(sequences_[i].drafted) + 1;
    switch (sequences_[i].wanted) {
      case SequenceRows::Wanted::kNothing:
        break;
      case SequenceRows::Wanted::kArgMax:
        drawn[i] = DrawOne(sequences_[i], result, best_row);
        best_row += rows;
        break;
      case SequenceRows::Wanted::kLogits:
        to_sample.emplace_back(i, logits_row);
        logits_row += rows;
    }
  }
  // Each writes its own sequence and its own rows, so nobody can tell how many threads there are.
  threads_.Run(int(to_sample.size()), [&](int chunk, int) {
    const auto [i, row] = to_sample[size_t(chunk)];
    try {
      drawn[i] = DrawOne(sequences_[i], result, row);
    } catch (...) {
      drawn[i].thrown = std::current_exception();
    }
  });
  for (const Drawn& one : drawn) {
    if (one.thrown) std::rethrow_exception(one.thrown);
  }
  return drawn;
}

StepHarvest BatchRun::Advance(int step, StepResult& result, std::vector<Guesses>& guesses, RunStats& stats) {
  StepHarvest harvest;
  std::vector<Sequence> remaining;
  std::vector<Drawn> drawn = DrawAll(result);
  for (size_t i = 0; i < sequences_.size(); ++i) {
    Sequence& sequence = sequences_[i];
    if (sequence.wanted == SequenceRows::Wanted::kNothing) continue;
    stats.forced_tokens += drawn[i].forced;
    for (Sample& sample : drawn[i].samples) {
      last_sampled_[size_t(sequence.index)] = sample.id;
      harvest.tokens.push_back({sequence.index, step, std::move(sample)});
    }
    if (drawn[i].failed) {
      const int position = sequence.start + int(sequence.tokens.size()) - sequence.drafted +
                           int(drawn[i].samples.size()) - drawn[i].forced;
      Error error = drawn[i].error.value_or(Error(ErrorCode::kNativeFailure, "the model computed no finite logits"));
      error.AddFact({"sequence", double(sequence.index)});
      error.AddFact({"position", double(position)});
      error.AddFact({"contents", std::string(ContentsName(Contents::kIntact))});
      harvest.failures.push_back({sequence.index, step, error});
      continue;
    }
    if (sequence.drafted > 0) {
      auto of = std::ranges::find(guesses, GuesserOf(sequence), &Guesses::guesser);
      if (of == guesses.end()) of = guesses.insert(of, {GuesserOf(sequence), 0, 0});
      of->drafted += sequence.drafted;
      of->accepted += int(drawn[i].samples.size()) - drawn[i].forced - 1;
    }
    if (!drawn[i].ended) remaining.push_back(std::move(sequence));
  }
  sequences_ = std::move(remaining);
  return harvest;
}

}  // namespace resident
