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

DraftGate::Guesser& DraftGate::Find(const std::string& name) {
  if (guessers_.size() == kMostGuessers && !guessers_.contains(name)) {
    guessers_.erase(std::ranges::min_element(guessers_, {}, [](const auto& known) { return known.second.used; }));
  }
  Guesser& guesser = guessers_[name];
  guesser.used = ++uses_;
  return guesser;
}

bool DraftGate::MayGuess(int sequences, const std::string& guesser) {
  Guesser& asking = Find(guesser);
  if (asking.paused > 0) {
    --asking.paused;
    return false;
  }
  const auto plain = plain_.find(sequences);
  return plain != plain_.end() && plain->second.known_for > 0;
}

void DraftGate::Record(int sequences, std::span<const Guesses> guesses, double ms) {
  Plain& plain = plain_[sequences];
  int drafted = 0;
  for (const Guesses& of : guesses) drafted += of.drafted;
  if (drafted == 0) {
    plain.ms = plain.ms == 0 ? ms : plain.ms + kNewest * (ms - plain.ms);
    plain.known_for = kPlainIsGoodFor;
    return;
  }
  --plain.known_for;
  for (const Guesses& of : guesses) {
    Guesser& guesser = Find(of.guesser);
    // What the step took longer, each pays by its rows.
    guesser.extra_ms = kForget * guesser.extra_ms + std::max(0.0, ms - plain.ms) * of.drafted / drafted;
    guesser.saved_ms = kForget * guesser.saved_ms + of.accepted * plain.ms / sequences;
    if (++guesser.judged >= kTrialSteps) Judge(guesser);
  }
}

void DraftGate::Judge(Guesser& guesser) {
  if (guesser.extra_ms <= guesser.saved_ms) {
    guesser.next_pause = kFirstPause;
    return;
  }
  guesser.paused = guesser.next_pause;
  guesser.next_pause = std::min(2 * guesser.next_pause, kLongestPause);
  guesser.extra_ms = guesser.saved_ms = 0;
  guesser.judged = 0;
}

}  // namespace resident
