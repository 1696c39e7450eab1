#include "core/likely.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <limits>

namespace resident {
namespace {

// Loops over `kLanes` values side by side are what compilers make vector instructions of.
constexpr size_t kBlock = 64, kLanes = 16;

/** Calls look(begin, end) for the parts that `size` values are looked at in. */
template <typename Look>
void ForEachBlock(size_t size, Look look) {
  for (size_t begin = 0; begin < size; begin += kBlock) look(begin, std::min(begin + kBlock, size));
}

float LargestOf(std::span<const float> values, size_t begin, size_t end) {
  std::array<float, kLanes> lanes;
  lanes.fill(-std::numeric_limits<float>::infinity());
  const auto take = [&](float& lane, float x) { lane = x > lane ? x : lane; };
  size_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    for (size_t k = 0; k < kLanes; ++k) take(lanes[k], values[i + k]);
  }
  for (; i < end; ++i) take(lanes[0], values[i]);
  return *std::max_element(lanes.begin(), lanes.end());
}

/** Of numbers that are not negative: their bits compare as they do, and compilers make no branch of that. */
bool Reaches(float weight, float least) { return std::bit_cast<int32_t>(weight) >= std::bit_cast<int32_t>(least); }

/** Of the weights that are at least `least`. */
double SumOf(std::span<const float> weights, size_t begin, size_t end, float least) {
  std::array<double, 8> lanes{};
  const auto weight = [&](size_t i) {
    const int32_t mask = -int32_t(Reaches(weights[i], least));
    return double(std::bit_cast<float>(std::bit_cast<int32_t>(weights[i]) & mask));
  };
  size_t i = begin;
  for (; i + lanes.size() <= end; i += lanes.size()) {
    for (size_t k = 0; k < lanes.size(); ++k) lanes[k] += weight(i + k);
  }
  for (; i < end; ++i) lanes[0] += weight(i);
  double sum = 0;
  for (const double lane : lanes) sum += lane;
  return sum;
}

// Keys are numbers that grow as logits fall. Both zeros have the same.
uint32_t KeyOf(float logit) {
  const auto bits = std::bit_cast<uint32_t>(logit + 0.f);
  return bits ^ (((bits >> 31) - 1) & 0x7fffffff);  // no branch: signs are not predictable
}
float LogitOf(uint32_t key) { return std::bit_cast<float>(key ^ (((key >> 31) - 1) & 0x7fffffff)); }

/** A weight that most of `needed` is above; those below it, together, are not needed. */
float FloorFor(std::span<const float> weights, double total, double needed) {
  // As many weights below this are less than the rest.
  const auto lowest = float((total - needed) / double(weights.size()));
  float floor = 1;
  do {
    floor *= 0.0625f;
  } while (floor > lowest && SumOf(weights, 0, weights.size(), floor) < needed);
  // A little lower, for what rounding makes of weights whose logits are neighbours.
  return 0.999f * std::max(floor, lowest);
}

/** Indices of the weights from `floor` on, in order. */
std::vector<uint32_t> IndicesFrom(std::span<const float> weights, float floor) {
  size_t count = 0;
  for (const float weight : weights) count += Reaches(weight, floor);
  std::vector<uint32_t> indices(count + 1);
  size_t found = 0;
  ForEachBlock(weights.size(), [&](size_t begin, size_t end) {
    if (!Reaches(LargestOf(weights, begin, end), floor)) return;
    for (size_t i = begin; i < end; ++i) {
      indices[found] = uint32_t(i);
      found += Reaches(weights[i], floor);
    }
  });
  indices.resize(count);
  return indices;
}

/** The logit of the least likely that are needed, where they are, and what all that are more likely weigh. */
struct Cut {
  float logit;
  std::vector<uint32_t> at;
  double above;
};

/** Finds the cut among some indices, digit by digit of their logits' keys: three rounds at most. */
Cut FindCut(std::span<const float> logits, std::span<const float> weights, std::vector<uint32_t> indices,
            double needed) {
  constexpr int kDigitBits = 11;
  uint32_t first = std::numeric_limits<uint32_t>::max(), last = 0;
  for (const uint32_t i : indices) {
    first = std::min(first, KeyOf(logits[i]));
    last = std::max(last, KeyOf(logits[i]));
  }
  double above = 0;
  while (first < last) {
    const int shift = std::max(0, int(std::bit_width(last - first)) - kDigitBits);
    std::array<double, size_t(1) << kDigitBits> weight_of_digit{};
    for (const uint32_t i : indices) weight_of_digit[(KeyOf(logits[i]) - first) >> shift] += double(weights[i]);
    uint32_t digit = 0;
    for (; digit < (last - first) >> shift && above + weight_of_digit[digit] < needed; ++digit) {
      above += weight_of_digit[digit];
    }
    first += digit << shift;
    last = std::min(last, first + ((uint32_t(1) << shift) - 1));
    size_t left = 0;
    for (const uint32_t i : indices) {  // no branch: a processor could not predict it
      indices[left] = i;
      left += KeyOf(logits[i]) - first <= last - first;
    }
    indices.resize(left);
  }
  return {LogitOf(first), std::move(indices), above};
}

}  // namespace

std::vector<Candidate> MostLikely(std::span<const float> logits, size_t count) {
  std::vector<float> largest;  // of blocks
  ForEachBlock(logits.size(), [&](size_t begin, size_t end) { largest.push_back(LargestOf(logits, begin, end)); });
  std::vector<float> by_size = largest;
  float floor = std::numeric_limits<float>::lowest();
  if (count <= by_size.size()) {  // in as many blocks, one reaches this
    const auto last = by_size.begin() + std::ptrdiff_t(count) - 1;
    std::nth_element(by_size.begin(), last, by_size.end(), std::greater<float>());
    floor = std::max(floor, *last);
  }
  std::vector<Candidate> candidates;
  ForEachBlock(logits.size(), [&](size_t begin, size_t end) {
    if (largest[begin / kBlock] < floor) return;
    for (size_t i = begin; i < end; ++i) {
      if (logits[i] >= floor) candidates.push_back({int32_t(i), logits[i]});
    }
  });
  if (candidates.size() <= count) return candidates;
  const auto end = candidates.begin() + std::ptrdiff_t(count);
  std::nth_element(candidates.begin(), end, candidates.end(), MoreLikely);
  candidates.erase(end, candidates.end());
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  return candidates;
}

void KeepShare(std::span<const float> logits, std::span<float> weights, double share) {
  const double total = SumOf(weights, 0, weights.size(), 0);
  // But for the rounding of single precision: 0.5 of 1 + 0.6 + 0.4 is 1. One reaches more than nothing.
  const double needed = std::max(share * total * (1 - 1e-6), std::numeric_limits<double>::denorm_min());
  const Cut cut = FindCut(logits, weights, IndicesFrom(weights, FloorFor(weights, total, needed)), needed);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = logits[i] >= cut.logit ? weights[i] : 0.f;
  double reached = cut.above;
  for (const uint32_t i : cut.at) {
    if (reached >= needed) weights[i] = 0;
    reached += double(weights[i]);
  }
}

size_t Pick(std::span<const float> weights, float least, double uniform) {
  std::vector<double> ends;  // of blocks
  double total = 0;
  ForEachBlock(weights.size(),
               [&](size_t begin, size_t end) { ends.push_back(total += SumOf(weights, begin, end, least)); });
  const double target = std::min(uniform * total, std::nextafter(total, 0.0));
  const size_t block = size_t(std::upper_bound(ends.begin(), ends.end(), target) - ends.begin());
  double left = target - (block == 0 ? 0 : ends[block - 1]);
  size_t picked = block * kBlock;
  for (size_t i = picked, end = std::min(i + kBlock, weights.size()); i < end; ++i) {
    if (weights[i] < least) continue;
    picked = i;
    if (left < double(weights[i])) break;
    left -= double(weights[i]);
  }
  return picked;  // also where rounding left a rest
}

}  // namespace resident
