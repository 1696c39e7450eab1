#include "core/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"

namespace resident {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

uint64_t Mix(uint64_t x) {  // SplitMix64 (Steele, Lea, Flood 2014)
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

struct Candidate {
  int32_t id;
  float logit;
  double weight;  // proportional to the probability after temperature
};

/** More likely first, then the lower id: a total order, so every cut is reproducible. */
bool MoreLikely(const Candidate& a, const Candidate& b) { return a.logit != b.logit ? a.logit > b.logit : a.id < b.id; }

void ApplyBias(std::span<float> logits, const SamplingParams& params) {
  for (size_t i = 0; i < params.bias_ids.size(); ++i) logits[size_t(params.bias_ids[i])] += params.bias_values[i];
}

void ApplyPenalties(std::span<float> logits, const SamplingParams& params, std::span<const int32_t> ids) {
  std::unordered_map<int32_t, int> counts;
  for (const int32_t id : ids) ++counts[id];
  for (const auto& [id, count] : counts) {
    float& logit = logits[size_t(id)];
    const double penalty = params.repetition_penalty;
    logit = float(logit > 0 ? logit / penalty : logit * penalty);
    logit -= float(params.presence_penalty + params.frequency_penalty * count);
  }
}

int32_t ArgMax(std::span<const float> logits) {
  return int32_t(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

std::vector<Candidate> MostLikely(std::span<const float> logits, size_t count) {
  std::vector<Candidate> all;
  all.reserve(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    if (logits[i] != kNever) all.push_back({int32_t(i), logits[i], 0});
  }
  count = std::min(count, all.size());
  std::partial_sort(all.begin(), all.begin() + std::ptrdiff_t(count), all.end(), MoreLikely);
  all.resize(count);
  return all;
}

/** The natural logarithm of the sum of exp over all logits. */
double LogSumExp(std::span<const float> logits, float largest) {
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double(logit) - double(largest));
  return double(largest) + std::log(sum);
}

/** Keeps the fewest most likely candidates whose share of all weights reaches `top_p`. */
void KeepTopP(std::vector<Candidate>& kept, double top_p) {
  double total = 0;
  for (const Candidate& c : kept) total += c.weight;
  // A heap gives them in order and stops early: sorting the whole vocabulary would cost more than the rest of sampling.
  const auto less_likely = [](const Candidate& a, const Candidate& b) { return MoreLikely(b, a); };
  std::make_heap(kept.begin(), kept.end(), less_likely);
  std::vector<Candidate> nucleus;
  for (double reached = 0; !kept.empty() && reached < top_p * total;) {
    std::pop_heap(kept.begin(), kept.end(), less_likely);
    nucleus.push_back(kept.back());
    reached += kept.back().weight;
    kept.pop_back();
  }
  kept = std::move(nucleus);
}

int32_t Draw(std::span<const float> logits, float largest, const SamplingParams& params, int64_t position) {
  std::vector<Candidate> kept;
  if (params.top_k > 0) {
    kept = MostLikely(logits, size_t(params.top_k));
  } else {
    kept.reserve(logits.size());
    for (size_t i = 0; i < logits.size(); ++i) {
      if (logits[i] != kNever) kept.push_back({int32_t(i), logits[i], 0});
    }
  }
  for (Candidate& c : kept) c.weight = std::exp((double(c.logit) - double(largest)) / params.temperature);
  if (params.top_p < 1) KeepTopP(kept, params.top_p);
  // The most likely candidate has weight 1 and survives every filter before this one.
  if (params.min_p > 0) std::erase_if(kept, [&](const Candidate& c) { return c.weight < params.min_p; });
  // Laid out by id: a last-bit difference in a logit then cannot swap two candidates' places.
  std::sort(kept.begin(), kept.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  double total = 0;
  for (const Candidate& c : kept) total += c.weight;
  double left = UniformAt(params.seed, uint64_t(position)) * total;
  for (const Candidate& c : kept) {
    if (left < c.weight) return c.id;
    left -= c.weight;
  }
  return std::find_if(kept.rbegin(), kept.rend(), [](const Candidate& c) { return c.weight > 0; })->id;
}

}  // namespace

bool SamplingParams::IsStop(int32_t id) const {
  return std::find(stop_ids.begin(), stop_ids.end(), id) != stop_ids.end();
}

double UniformAt(uint64_t seed, uint64_t position) {
  constexpr uint64_t kGolden = 0x9e3779b97f4a7c15ull;
  const uint64_t bits = Mix(Mix(seed + kGolden) + (position + 1) * kGolden);
  return double(bits >> 11) * 0x1.0p-53;
}

Sample SampleToken(std::span<float> logits, const SamplingParams& params, std::span<const int32_t> penalty_ids,
                   int64_t position) {
  for (float& logit : logits) {
    if (std::isnan(logit)) logit = kNever;
  }
  ApplyBias(logits, params);
  if (params.HasPenalties()) ApplyPenalties(logits, params, penalty_ids);
  const int32_t best = ArgMax(logits);
  const float largest = logits[size_t(best)];
  if (!std::isfinite(largest)) throw Error(ErrorCode::kNativeFailure, "the model computed no finite logits");

  Sample sample;
  sample.id = params.temperature > 0 ? Draw(logits, largest, params, position) : best;
  if (params.logprobs == 0) return sample;
  const double normaliser = LogSumExp(logits, largest);
  sample.has_logprob = true;
  sample.logprob = float(logits[size_t(sample.id)] - normaliser);
  if (params.logprobs > 0) {
    for (const Candidate& c : MostLikely(logits, size_t(params.logprobs))) {
      sample.top_ids.push_back(c.id);
      sample.top_logprobs.push_back(float(c.logit - normaliser));
    }
  }
  return sample;
}

}  // namespace resident
