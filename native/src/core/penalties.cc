#include "core/penalties.h"

#include <algorithm>

namespace resident {

Penalties::Penalties(const PenaltyStrengths& strengths, const AnswerTokens& answer) : strengths_(strengths) {
  for (const int32_t id : answer.recent_ids) Remember(id);
  if (!strengths_.counts()) return;
  ids_ = answer.ids;
  counts_ = answer.counts;
}

void Penalties::Remember(int32_t id) {
  window_[next_] = id;
  next_ = (next_ + 1) % window_.size();
  window_tokens_ = std::min(window_tokens_ + 1, window_.size());
}

void Penalties::Add(int32_t id) {
  Remember(id);
  if (!strengths_.counts()) return;
  const auto found = std::find(ids_.begin(), ids_.end(), id);
  if (found == ids_.end()) {
    ids_.push_back(id);
    counts_.push_back(1);
  } else {
    ++counts_[size_t(found - ids_.begin())];
  }
}

void Penalties::Apply(std::span<float> logits) const {
  if (strengths_.repetition != 1) {
    auto recent = window_;
    const auto end = recent.begin() + std::ptrdiff_t(window_tokens_);
    std::sort(recent.begin(), end);
    std::for_each(recent.begin(), std::unique(recent.begin(), end), [&](int32_t id) {
      float& logit = logits[size_t(id)];
      logit = float(logit > 0 ? logit / strengths_.repetition : logit * strengths_.repetition);
    });
  }
  for (size_t i = 0; i < ids_.size(); ++i) {
    logits[size_t(ids_[i])] -= float(strengths_.presence + strengths_.frequency * counts_[i]);
  }
}

}  // namespace resident
