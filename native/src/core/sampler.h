#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/penalties.h"

namespace resident {

class Grammar;

/** How one sequence's next token is chosen. CheckBatch has checked ids and ranges (sampling_ranges.h). */
struct SamplingParams {
  double temperature = 0;  // 0 = the most likely
  int64_t top_k = 0;       // 0 = off
  double top_p = 1;        // 1 = off, 0 = the most likely
  double min_p = 0;        // 0 = off
  PenaltyStrengths penalties;
  uint64_t seed = 0;
  std::vector<int32_t> bias_ids;
  std::vector<float> bias_values;
  /** Of the answer before this run; read only where there are penalties. */
  AnswerTokens answer;
  std::vector<int32_t> stop_ids;
  /** All tokens of the sequence, for drafts (lookup.h); empty: none. */
  std::vector<int32_t> lookup_ids;
  /** Whose guesses these are: they are judged over all runs (draft_gate.h). */
  std::string guesser;
  /** What the answer may be, and its ids before this run; null: anything. */
  std::shared_ptr<const Grammar> grammar;
  std::vector<int32_t> grammar_ids;
  int64_t logprobs = 0;  // how many of the most likely ids to report; −1 = the sampled id's only

  /** The arg max of the raw logits is the answer: no logits have to reach the host. */
  bool IsPlainGreedy() const { return temperature == 0 && logprobs == 0 && bias_ids.empty() && !penalties.any(); }
  bool IsStop(int32_t id) const;
};

struct Sample {
  int32_t id = 0;
  bool has_logprob = false;
  float logprob = 0;
  std::vector<int32_t> top_ids{};
  std::vector<float> top_logprobs{};
};

/**
 * Chooses one id from `logits`, which are overwritten. In this order: logit bias; penalties; the reported
 * log-probabilities are those of this distribution; then temperature, top-k, top-p, min-p, and one draw. Ties go to the
 * lower id. `position` is where the sampled token will stand: with the seed it is the whole key of the random number,
 * so neither batching nor restarts change an answer. Logits that are no numbers are never chosen; nothing is when the
 * largest of the others is not finite, or there is none.
 */
std::optional<Sample> SampleToken(std::span<float> logits, const SamplingParams& params, const Penalties& penalties,
                                  int64_t position);

/** A number in [0, 1) that depends on (seed, position) alone. 53 bits, from SplitMix64's finaliser applied twice. */
double UniformAt(uint64_t seed, uint64_t position);

}  // namespace resident
