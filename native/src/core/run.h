#pragma once
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "core/batch.h"
#include "core/draft_gate.h"
#include "core/error.h"
#include "core/grammar_state.h"
#include "core/lookup.h"
#include "core/penalties.h"
#include "core/sampler.h"
#include "core/step.h"
#include "kernels/thread_pool.h"

namespace resident {

struct SampledToken {
  int sequence;
  int step;
  Sample sample;
};

/** A sequence whose next token could not be chosen: it takes no further part in the run. */
struct FailedSequence {
  int sequence;
  int step;
  Error error;
};

/** What a step made of the sequences that wanted a token. */
struct StepHarvest {
  std::vector<SampledToken> tokens;
  std::vector<FailedSequence> failures;
};

struct RunStats {
  double step_ms = 0;  // in steps and in sampling, without what happens between steps
  int moved_slabs = 0, view_sequences = 0, gathered_sequences = 0;
  int drafted_tokens = 0, accepted_tokens = 0;
  int forced_tokens = 0;  // that a grammar left no choice about: not sampled, and computed with the step behind them
};

/** What a run of several steps asks and tells between them. */
struct RunHooks {
  std::function<void(StepHarvest)> on_step;  // after each step
  std::function<bool()> cancelled;
  std::function<void()> between_steps;  // copies of blocks go here
};

/** Tokens at most that a grammar has forced in one sequence's rows of a step. */
constexpr int kMostForced = 32;

/** A checked batch on its way through its steps: which sequences still take part, and what each of them feeds next. */
class BatchRun {
 public:
  /** Computes one step for these rows. */
  using StepFunction = std::function<StepResult(std::span<const SequenceRows>)>;

  /**
   * `last_sampled`, by place in the batch: read for kLastSampled, then written by every step. Guesses are at most
   * `most_draft` a sequence and step, as long as `gate` lets them. `threads` sample between the steps.
   */
  BatchRun(const StepBatch& batch, int vocab_size, std::vector<int32_t>& last_sampled, int most_draft, DraftGate& gate,
           kernels::ThreadPool& threads);

  /**
   * All steps, or until every sequence has ended or `hooks` cancel. What a step throws ends the run: then the tokens of
   * the steps before it have been handed over, and `last_sampled` is theirs.
   */
  RunStats Run(const StepFunction& step, const RunHooks& hooks);

 private:
  struct Sequence {
    int index;
    std::vector<int32_t> tokens;  // of the coming step
    int start;
    std::vector<std::span<const int32_t>> tables;  // of each group
    Penalties penalties;
    PromptLookup lookup;
    int drafted;                          // how many of `tokens`, the last ones, are guesses
    int sampled;                          // tokens in this run
    std::optional<GrammarLease> grammar;  // behind `tokens`, but for the guesses
    int forced = 0;  // how many of `tokens`, the last ones before the guesses, it left no choice about
    SequenceRows::Wanted wanted = SequenceRows::Wanted::kNothing;  // of the coming step
  };

  /** What a step's rows of one sequence made of it. */
  struct Drawn {
    std::vector<Sample> samples{};  // forced ones, those of accepted guesses, and one more unless it failed
    int forced = 0;
    bool failed = false, ended = false;
    std::optional<Error> error{};  // of a failure, where it is not the logits'
    std::exception_ptr thrown{};
  };

  /** What the rows of a sequence's coming step are for. `open`: its grammar, if any, forbids nothing in any of them. */
  SequenceRows::Wanted WantedOf(const Sequence& sequence, bool open) const;
  const std::string& GuesserOf(const Sequence& sequence) const;
  /** Chooses what a sequence's coming step computes: with `guess`, also how it may go on. */
  void Prepare(Sequence& sequence, bool guess) const;
  /** How a sequence that decodes may go on, within the tokens that it may still sample. */
  std::vector<int32_t> DraftOf(const Sequence& sequence) const;
  /** Whether all that remain feed one token, so that the step's time tells what guesses cost. */
  bool OnlyDecodes() const;
  StepHarvest Advance(int step, StepResult& result, std::vector<Guesses>& guesses, RunStats& stats);
  /** Of all sequences, those that want nothing included. */
  std::vector<Drawn> DrawAll(StepResult& result);
  /** Samples from `row` of the step's results on, as far as guesses prove right, and moves the sequence on. */
  Drawn DrawOne(Sequence& sequence, StepResult& result, size_t row) const;
  void DrawInto(Drawn& drawn, Sequence& sequence, StepResult& result, size_t row) const;
  /** One more token of the answer. */
  void Take(Drawn& drawn, Sequence& sequence, Sample sample) const;
  /**
   * Appends what the grammar leaves no choice about to the coming step's tokens. They are told when they are computed,
   * as all but the newest token are, and leave one to be sampled behind them; so a stop id is never among them.
   */
  void Force(Sequence& sequence) const;
  /** The token of one row of the step's results, or nothing where no logit is finite. */
  std::optional<Sample> SampleRow(const Sequence& sequence, StepResult& result, size_t row, int position) const;

  const StepBatch& batch_;
  size_t vocab_size_;
  std::vector<int32_t>& last_sampled_;
  int most_draft_;
  DraftGate& gate_;
  kernels::ThreadPool& threads_;
  std::vector<Sequence> sequences_;
};

}  // namespace resident
