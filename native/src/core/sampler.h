#pragma once
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace resident {

/** How one sequence's next token is chosen. Ids have been checked against the vocabulary. */
struct SamplingParams {
  double temperature = 0;  // 0 = the most likely
  int top_k = 0;           // 0 = off
  double top_p = 1;        // 1 = off
  double min_p = 0;        // 0 = off
  double repetition_penalty = 1, presence_penalty = 0, frequency_penalty = 0;
  uint64_t seed = 0;
  std::vector<int32_t> bias_ids;
  std::vector<float> bias_values;
  std::vector<int32_t> penalty_ids;
  std::vector<int32_t> stop_ids;
  /** All tokens of the sequence, for drafts (lookup.h); empty: none. */
  std::vector<int32_t> lookup_ids;
  int logprobs = 0;  // how many of the most likely ids to report; −1 = the sampled id's only

  bool HasPenalties() const { return repetition_penalty != 1 || presence_penalty != 0 || frequency_penalty != 0; }
  /** The arg max of the raw logits is the answer: no logits have to reach the host. */
  bool IsPlainGreedy() const { return temperature == 0 && logprobs == 0 && bias_ids.empty() && !HasPenalties(); }
  bool IsStop(int32_t id) const;
};

struct Sample {
  int32_t id = 0;
  bool has_logprob = false;
  float logprob = 0;
  std::vector<int32_t> top_ids;
  std::vector<float> top_logprobs;
};

/**
 * Chooses one id from `logits`, which are overwritten. In this order: logit bias; repetition penalty (CTRL, arXiv
 * 1909.05858: positive logits divided, negative multiplied), presence and frequency penalties (subtracted); the
 * reported log-probabilities are those of this distribution; then temperature, top-k, top-p, min-p, and one draw. Ties
 * go to the lower id. `position` is where the sampled token will stand: with the seed it is the whole key of the random
 * number, so neither batching nor restarts change an answer. Throws NATIVE_FAILURE when no logit is a number.
 */
Sample SampleToken(std::span<float> logits, const SamplingParams& params, std::span<const int32_t> penalty_ids,
                   int64_t position);

/** A number in [0, 1) that depends on (seed, position) alone. 53 bits, from SplitMix64's finaliser applied twice. */
double UniformAt(uint64_t seed, uint64_t position);

}  // namespace resident
