#include "core/draft_gate.h"

#include <algorithm>

namespace resident {
namespace {

constexpr int kMostGpuDraft = 4, kMostGpuQueryRows = 32;

/** Steps with guesses before a verdict: one may have been disturbed. */
constexpr int kTrialSteps = 8;
/** Steps with guesses after which one without is measured again, since contexts grow. */
constexpr int kPlainIsGoodFor = 64;
constexpr int kLongestPause = 1024;
/** Share of the newest measurement in an average. */
constexpr double kNewest = 0.2;
constexpr double kForget = 0.9;

}  // namespace

int MostDraft(bool is_gpu, int heads, int kv_heads, int wanted) {
  if (!is_gpu) return std::min(wanted, kLongestDraft);
  return std::clamp(kMostGpuQueryRows / (heads / kv_heads) - 1, 0, std::min(wanted, kMostGpuDraft));
}

bool DraftGate::MayGuess(int sequences) {
  if (paused_ > 0) {
    --paused_;
    return false;
  }
  const auto plain = plain_.find(sequences);
  return plain != plain_.end() && plain->second.known_for > 0;
}

void DraftGate::Record(int sequences, int drafted, int accepted, double ms) {
  Plain& plain = plain_[sequences];
  if (drafted == 0) {
    plain.ms = plain.ms == 0 ? ms : plain.ms + kNewest * (ms - plain.ms);
    plain.known_for = kPlainIsGoodFor;
    return;
  }
  --plain.known_for;
  extra_ms_ = kForget * extra_ms_ + std::max(0.0, ms - plain.ms);
  saved_ms_ = kForget * saved_ms_ + accepted * plain.ms / sequences;
  if (++judged_ >= kTrialSteps) Judge();
}

void DraftGate::Judge() {
  if (extra_ms_ <= saved_ms_) {
    next_pause_ = kFirstPause;
    return;
  }
  paused_ = next_pause_;
  next_pause_ = std::min(2 * next_pause_, kLongestPause);
  extra_ms_ = saved_ms_ = 0;
  judged_ = 0;
}

}  // namespace resident
