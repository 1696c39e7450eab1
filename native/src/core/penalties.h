#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/sampling_ranges.h"

namespace resident {

/** How much penalties change logits. */
struct PenaltyStrengths {
  double repetition = 1, presence = 0, frequency = 0;

  bool any() const { return repetition != 1 || counts(); }
  /** Whether it matters how often an id was sampled. */
  bool counts() const { return presence != 0 || frequency != 0; }
};

/** What penalties count of an answer, as it comes: distinct ids with their counts, and the last ids in order. */
struct AnswerTokens {
  std::vector<int32_t> recent_ids;
  std::vector<int32_t> ids, counts;
};

/**
 * The penalties of one sequence, which add what it samples. A token costs as much as the answer has distinct ids,
 * however long the answer or what was read before it.
 */
class Penalties {
 public:
  /** Ids have been checked against the vocabulary, and `ids` is as long as `counts`. */
  Penalties(const PenaltyStrengths& strengths, const AnswerTokens& answer);

  /** One more token of the answer. */
  void Add(int32_t id);
  /**
   * Repetition (CTRL, arXiv 1909.05858: positive logits divided, negative multiplied) for each id of the window, then
   * presence and frequency (subtracted) for each id of the answer.
   */
  void Apply(std::span<float> logits) const;

 private:
  void Remember(int32_t id);

  PenaltyStrengths strengths_;
  std::array<int32_t, kRepetitionWindowTokens> window_{};  // a ring
  size_t window_tokens_ = 0, next_ = 0;
  std::vector<int32_t> ids_, counts_;
};

}  // namespace resident
