#include "core/lookup.h"

#include <algorithm>

namespace resident {
namespace {

/** Shorter suffixes are found everywhere and mean nothing; longer ones tell no more. */
constexpr size_t kShortestMatch = 3, kLongestMatch = 16;

}  // namespace

size_t FindContinuation(std::span<const int32_t> ids) {
  const size_t n = ids.size();
  size_t best = kShortestMatch - 1, found = 0;
  for (size_t end = n - 1; n > kShortestMatch && end >= kShortestMatch; --end) {
    // ids[end − 1] is compared with the last id, and so on backwards.
    size_t match = 0;
    while (match < end && match < kLongestMatch && ids[end - 1 - match] == ids[n - 1 - match]) ++match;
    if (match <= best) continue;
    best = match;
    found = end;
    if (match == kLongestMatch) break;
  }
  return found;
}

std::vector<int32_t> PromptLookup::Draft(int most) const {
  const int wanted = std::min(most, longest_);
  if (wanted < 1) return {};
  const size_t from = FindContinuation(ids_);
  if (from == 0) return {};
  std::vector<int32_t> draft;
  for (size_t at = from; int(draft.size()) < wanted; ++at) {
    // Behind the last token the guesses themselves go on: a repetition goes on repeating.
    draft.push_back(at < ids_.size() ? ids_[at] : draft[at - ids_.size()]);
  }
  return draft;
}

void PromptLookup::Append(int32_t id) {
  if (enabled()) ids_.push_back(id);
}

void PromptLookup::Learn(int drafted, int accepted) {
  if (drafted == 0) return;
  longest_ = accepted == drafted ? std::min(2 * longest_, kLongestDraft) : std::max(accepted, 2);
}

}  // namespace resident
