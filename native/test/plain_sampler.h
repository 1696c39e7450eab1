#pragma once
#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "core/likely.h"
#include "core/sampler.h"
#include "kernels/kernel_table.h"

/** Sampling as it is described, with nothing but sorting and sums from the first to the last: what tests compare with.
 */
namespace plain {

struct Weighted : resident::Candidate {
  float weight;
};

/** The fewest of sorted candidates whose weights reach the share of `total`, at least one. */
inline void CutShare(std::vector<Weighted>& sorted, double share, double total) {
  const double needed = share * total * (1 - 1e-6);
  double reached = 0;
  size_t count = 0;
  while (count < sorted.size() && (count == 0 || reached < needed)) reached += double(sorted[count++].weight);
  sorted.resize(count);
}

inline std::vector<float> WeightsOf(const std::vector<float>& logits, float largest, double temperature) {
  std::vector<float> weights(logits.size());
  resident::kernels::TableOf(resident::kernels::FastestLevel())
      .exp_weights(logits.data(), int(logits.size()), largest, float(std::min(1 / temperature, 1e30)), weights.data());
  return weights;
}

inline int32_t Draw(const std::vector<float>& logits, float largest, const resident::SamplingParams& params,
                    int64_t position) {
  const std::vector<float> weights = WeightsOf(logits, largest, params.temperature);
  std::vector<Weighted> kept;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (weights[i] > 0) kept.push_back({{int32_t(i), logits[i]}, weights[i]});
  }
  std::sort(kept.begin(), kept.end(), resident::MoreLikely);
  if (params.top_k > 0) kept.resize(std::min(kept.size(), size_t(params.top_k)));
  double total = 0;
  for (const Weighted& c : kept) total += double(c.weight);
  if (params.top_p < 1) CutShare(kept, params.top_p, total);
  std::erase_if(kept, [&](const Weighted& c) { return c.weight < float(params.min_p); });
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  total = 0;
  for (const Weighted& c : kept) total += double(c.weight);
  double left = resident::UniformAt(params.seed, uint64_t(position)) * total;
  for (const Weighted& c : kept) {
    if (left < double(c.weight)) return c.id;
    left -= double(c.weight);
  }
  return kept.back().id;
}

inline std::optional<resident::Sample> SampleToken(std::vector<float> logits, const resident::SamplingParams& params,
                                                   const resident::Penalties& penalties, int64_t position) {
  for (float& logit : logits) {
    if (std::isnan(logit)) logit = -std::numeric_limits<float>::infinity();
  }
  for (size_t i = 0; i < params.bias_ids.size(); ++i) logits[size_t(params.bias_ids[i])] += params.bias_values[i];
  penalties.Apply(logits);
  const auto best = std::max_element(logits.begin(), logits.end());
  if (!std::isfinite(*best)) return std::nullopt;
  resident::Sample sample{.id = int32_t(best - logits.begin())};
  if (params.temperature > 0) sample.id = Draw(logits, *best, params, position);
  if (params.logprobs == 0) return sample;
  double sum = 0;
  for (const float logit : logits) sum += std::exp(double(logit) - double(*best));
  const double normaliser = double(*best) + std::log(sum);
  sample.has_logprob = true;
  sample.logprob = float(logits[size_t(sample.id)] - normaliser);
  std::vector<resident::Candidate> all;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (std::isfinite(logits[i])) all.push_back({int32_t(i), logits[i]});
  }
  std::sort(all.begin(), all.end(), resident::MoreLikely);
  for (size_t i = 0; i < all.size() && int64_t(i) < params.logprobs; ++i) {
    sample.top_ids.push_back(all[i].id);
    sample.top_logprobs.push_back(float(all[i].logit - normaliser));
  }
  return sample;
}

}  // namespace plain
