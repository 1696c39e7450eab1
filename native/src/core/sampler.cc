#include "core/sampler.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/likely.h"
#include "kernels/kernel_table.h"

namespace resident {
namespace {

constexpr float kNever = -std::numeric_limits<float>::infinity();

uint64_t Mix(uint64_t x) {  // SplitMix64 (Steele, Lea, Flood 2014)
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

void ApplyBias(std::span<float> logits, const SamplingParams& params) {
  for (size_t i = 0; i < params.bias_ids.size(); ++i) logits[size_t(params.bias_ids[i])] += params.bias_values[i];
}

int32_t FirstOf(std::span<const float> logits, float logit) {
  return int32_t(std::find(logits.begin(), logits.end(), logit) - logits.begin());
}

/** The natural logarithm of the sum of exp over all logits. */
double LogSumExp(std::span<const float> logits, float largest) {
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double(logit) - double(largest));
  return double(largest) + std::log(sum);
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

/** The index of the logit that temperature, top-p and min-p let the position's random number fall on. */
size_t DrawFrom(std::span<const float> logits, float largest, const SamplingParams& params, int64_t position) {
  std::vector<float> weights = Weights(logits, largest, params.temperature);
  if (params.top_p < 1) KeepShare(logits, weights, params.top_p);
  // The largest logit has weight 1 and survives every filter.
  const auto least = float(std::max(params.min_p, double(std::numeric_limits<float>::denorm_min())));
  return Pick(weights, least, UniformAt(params.seed, uint64_t(position)));
}

int32_t Draw(std::span<const float> logits, float largest, const SamplingParams& params, int64_t position) {
  if (params.top_k == 0) return int32_t(DrawFrom(logits, largest, params, position));
  // They stand in the order of their ids: a last-bit difference in a logit then cannot swap two candidates' places.
  const std::vector<Candidate> candidates = MostLikely(logits, size_t(params.top_k));
  std::vector<float> kept;
  for (const Candidate& c : candidates) kept.push_back(c.logit);
  return candidates[DrawFrom(kept, largest, params, position)].id;
}

/** Makes what is no number impossible. Returns the largest. */
float DropNaNs(std::span<float> logits) {
  std::array<float, 16> largest;
  largest.fill(kNever);
  const auto visit = [&](size_t i, size_t lane) {
    logits[i] = std::isnan(logits[i]) ? kNever : logits[i];
    largest[lane] = logits[i] > largest[lane] ? logits[i] : largest[lane];
  };
  size_t i = 0;
  for (; i + largest.size() <= logits.size(); i += largest.size()) {
    for (size_t k = 0; k < largest.size(); ++k) visit(i + k, k);
  }
  for (; i < logits.size(); ++i) visit(i, 0);
  return *std::max_element(largest.begin(), largest.end());
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
  ApplyBias(logits, params);
  penalties.Apply(logits);
  const float largest = DropNaNs(logits);
  if (!std::isfinite(largest)) return std::nullopt;

  Sample sample;
  sample.id = params.temperature > 0 ? Draw(logits, largest, params, position) : FirstOf(logits, largest);
  if (params.logprobs == 0) return sample;
  const double normaliser = LogSumExp(logits, largest);
  sample.has_logprob = true;
  sample.logprob = float(logits[size_t(sample.id)] - normaliser);
  if (params.logprobs > 0) {
    std::vector<Candidate> top = MostLikely(logits, size_t(params.logprobs));
    std::sort(top.begin(), top.end(), MoreLikely);
    for (const Candidate& c : top) {
      sample.top_ids.push_back(c.id);
      sample.top_logprobs.push_back(float(c.logit - normaliser));
    }
  }
  return sample;
}

}  // namespace resident
