#pragma once
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "core/sampler.h"

/** Logits and parameters of all kinds that sampling may meet, the same in every run. */
class Distributions {
 public:
  explicit Distributions(uint64_t seed) : random_(seed) {}

  int Below(int end) { return int(random_() % uint64_t(end)); }
  double Uniform() { return double(random_() >> 11) * 0x1.0p-53; }

  /** Peaked, flat, equal, of few values, of two clusters, around 0; one in two with some that are no numbers or −∞. */
  std::vector<float> Logits(size_t words) {
    const int kind = Below(7);
    std::normal_distribution<double> normal(0, kind == 0 ? 8 : kind == 1 ? 0.01 : 2);
    std::vector<float> logits(words);
    const auto middle = float(normal(random_));
    for (float& logit : logits) {
      const auto value = float(normal(random_));
      if (kind <= 2) logit = value;
      if (kind == 3) logit = middle;
      if (kind == 4) logit = std::nearbyint(value);  // both zeros, and many ties
      if (kind == 5) logit = Below(8) == 0 ? 12 + 0.001f * value : value;
      if (kind == 6) logit = value * 1e-7f;  // differ, and weigh the same
    }
    if (Below(2) == 0) Spoil(logits);
    return logits;
  }

  resident::SamplingParams Params(size_t words) {
    resident::SamplingParams p;
    const double temperatures[] = {0, 0.1, 0.7, 1, 1, 3, 100, 1e-300};
    const double shares[] = {0, 1e-9, 0.1, 0.5, 0.9, 0.95, 0.999999, 1, 1};
    const int64_t counts[] = {0, 0, 0, 1, 2, 40, 500, 2147483647};
    p.temperature = temperatures[Below(8)];
    p.top_p = shares[Below(9)];
    p.top_k = counts[Below(8)];
    p.min_p = Below(3) == 0 ? Uniform() : 0;
    p.seed = random_() >> 12;
    if (Below(3) == 0) p.penalties.repetition = 1.1;
    if (Below(4) == 0) p.penalties.frequency = 0.5;
    for (int i = Below(10); i > 0; --i) p.answer.recent_ids.push_back(Id(words));
    if (Below(4) == 0) {
      p.bias_ids = {Id(words)};
      p.bias_values = {float(20 * Uniform() - 10)};
    }
    if (Below(4) == 0) p.logprobs = Below(8) - 1;
    return p;
  }

 private:
  int32_t Id(size_t words) { return Below(int(words)); }
  void Spoil(std::vector<float>& logits) {
    for (float& logit : logits) {
      const int what = Below(10);
      if (what == 0) logit = std::nanf("");
      if (what == 1) logit = -std::numeric_limits<float>::infinity();
    }
  }

  std::mt19937_64 random_;
};
