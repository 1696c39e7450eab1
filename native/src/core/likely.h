#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace resident {

// Vocabularies have hundreds of thousands of words and are cut for every token: nothing here sorts one. Logits are
// numbers or −∞. A weight is proportional to the probability after temperature; that of the largest logit is 1.

struct Candidate {
  int32_t id;
  float logit;
};

/** More likely first, then the lower id: a total order, so every cut is reproducible. */
inline bool MoreLikely(const Candidate& a, const Candidate& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.id < b.id;
}

/** The `count` most likely ids, those at −∞ left out, in the order of the ids. */
std::vector<Candidate> MostLikely(std::span<const float> logits, size_t count);

/**
 * Keeps the fewest most likely whose weights reach `share` of all together, at least one: the other weights become 0.
 * `share` is below 1.
 */
void KeepShare(std::span<const float> logits, std::span<float> weights, double share);

/** The index that `uniform` of [0, 1) falls on among weights of at least `least`, laid side by side. One is as much. */
size_t Pick(std::span<const float> weights, float least, double uniform);

}  // namespace resident
