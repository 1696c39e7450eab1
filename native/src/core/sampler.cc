#include "core/sampler.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "kernels/kernel_table.h"

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

/**
 * Weights sorted by their binary exponent: how many candidates, and how much weight, reach a power of two. Cuts that
 * keep the most likely then look at few candidates closely, instead of ordering the vocabulary.
 */
class WeightScale {
 public:
  explicit WeightScale(std::span<const float> weights) {
    for (const float weight : weights) {
      Step& step = steps_[StepOf(weight)];
      ++step.count;
      step.weight += double(weight);
    }
    for (const Step& step : steps_) total_ += step.weight;
  }

  double total() const { return total_; }

  /** The smallest power of two that so much weight, and one candidate, still reach or exceed. */
  float FloorOfWeight(double weight) const {
    double reached = 0;
    return Floor([&](const Step& step) { return (reached += step.weight) > 0 && reached >= weight; });
  }
  /** The same for a number of candidates. */
  float FloorOfCount(size_t count) const {
    size_t reached = 0;
    return Floor([&](const Step& step) { return (reached += step.count) >= count; });
  }

 private:
  struct Step {
    size_t count = 0;
    double weight = 0;
  };
  static size_t StepOf(float weight) { return std::bit_cast<uint32_t>(weight) >> 23; }
  template <typename Enough>
  float Floor(Enough enough) const {
    size_t step = steps_.size() - 1;
    while (step > 0 && !enough(steps_[step])) --step;
    return std::bit_cast<float>(uint32_t(step) << 23);
  }

  std::array<Step, 256> steps_{};
  double total_ = 0;
};

/** Keeps the fewest most likely candidates whose weight reaches `needed`, at least one; all stand in `kept`. */
void KeepWeight(std::vector<Candidate>& kept, double needed) {
  std::sort(kept.begin(), kept.end(), MoreLikely);
  double reached = 0;
  size_t count = 0;
  while (count < kept.size() && (count == 0 || reached < needed)) reached += kept[count++].weight;
  kept.resize(count);
}

/** Of a temperature. Finite, so that the largest logit, which is at 0 from itself, keeps the weight 1. */
float Inverse(double temperature) { return float(std::min(1 / temperature, 1e30)); }

/** exp of all logits after temperature, relative to the largest: by the kernels, which agree on all processors. */
std::vector<float> Weights(std::span<const float> logits, float largest, double temperature) {
  static const kernels::KernelTable& table = kernels::TableOf(kernels::FastestLevel());
  std::vector<float> weights(logits.size());
  table.exp_weights(logits.data(), int(logits.size()), largest, Inverse(temperature), weights.data());
  return weights;
}

/** The weight that makes a share of `total`, but for the rounding of single precision: 0.5 of 1 + 0.6 + 0.4 is 1. */
double ShareOf(double share, double total) { return share * total * (1 - 1e-6); }

/** What top-k, then top-p leave. */
std::vector<Candidate> MostLikely(std::span<const float> logits, std::span<const float> weights,
                                  const SamplingParams& params) {
  const WeightScale scale(weights);
  double total = scale.total();
  const float floor =
      params.top_k > 0 ? scale.FloorOfCount(size_t(params.top_k)) : scale.FloorOfWeight(ShareOf(params.top_p, total));
  std::vector<Candidate> kept;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] >= floor && weights[i] > 0) kept.push_back({int32_t(i), logits[i], double(weights[i])});
  }
  if (params.top_k > 0) {
    const size_t count = std::min(kept.size(), size_t(params.top_k));
    std::partial_sort(kept.begin(), kept.begin() + std::ptrdiff_t(count), kept.end(), MoreLikely);
    kept.resize(count);
    total = 0;
    for (const Candidate& c : kept) total += c.weight;
  }
  if (params.top_p < 1) KeepWeight(kept, ShareOf(params.top_p, total));
  return kept;
}

/** The index that `uniform` falls on among weights of at least `least`, laid side by side. */
int32_t Pick(std::span<const float> weights, float least, double uniform) {
  double total = 0;
  for (const float weight : weights) total += weight >= least ? double(weight) : 0;
  double left = uniform * total;
  int32_t last = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (weights[i] < least) continue;
    last = int32_t(i);
    if (left < double(weights[i])) break;
    left -= double(weights[i]);
  }
  return last;  // also where rounding left a rest
}

int32_t Draw(std::span<const float> logits, float largest, const SamplingParams& params, int64_t position) {
  const std::vector<float> weights = Weights(logits, largest, params.temperature);
  const double uniform = UniformAt(params.seed, uint64_t(position));
  const auto least = float(std::max(params.min_p, double(std::numeric_limits<float>::denorm_min())));
  if (params.top_k == 0 && params.top_p == 1) return Pick(weights, least, uniform);
  // The most likely candidate has weight 1 and survives every filter.
  std::vector<Candidate> kept = MostLikely(logits, weights, params);
  std::erase_if(kept, [&](const Candidate& c) { return c.weight < double(least); });
  // Laid out by id: a last-bit difference in a logit then cannot swap two candidates' places.
  std::sort(kept.begin(), kept.end(), [](const Candidate& a, const Candidate& b) { return a.id < b.id; });
  std::vector<float> left;
  for (const Candidate& c : kept) left.push_back(float(c.weight));
  return kept[size_t(Pick(left, least, uniform))].id;
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

std::optional<Sample> SampleToken(std::span<float> logits, const SamplingParams& params, const Penalties& penalties,
                                  int64_t position) {
  for (float& logit : logits) {
    if (std::isnan(logit)) logit = kNever;
  }
  ApplyBias(logits, params);
  penalties.Apply(logits);
  const int32_t best = ArgMax(logits);
  const float largest = logits[size_t(best)];
  if (!std::isfinite(largest)) return std::nullopt;

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
