#include "core/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace resident {
namespace {

double Llama3Wavelength(double wavelength, const RopeConfig& rope) {
  const double turns = rope.original_context_tokens / (2 * std::numbers::pi * wavelength);  // inside the old context
  if (turns < rope.low_freq_factor) return wavelength * rope.factor;
  if (turns > rope.high_freq_factor) return wavelength;
  const double smooth = (turns - rope.low_freq_factor) / (rope.high_freq_factor - rope.low_freq_factor);
  return wavelength / ((1 - smooth) / rope.factor + smooth);
}

/** The index of the dimension pair that turns `rotations` times within the original context. */
double YarnDimension(double rotations, const RopeConfig& rope, int head_dim) {
  return head_dim * std::log(rope.original_context_tokens / (rotations * 2 * std::numbers::pi)) /
         (2 * std::log(rope.theta));
}

double YarnMagnitude(double factor, double mscale) { return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1; }

}  // namespace

RopeTable MakeRopeTable(const RopeConfig& rope, int head_dim) {
  RopeTable table;
  table.theta = float(rope.theta);
  table.traditional = rope.traditional;
  if (rope.kind == RopeConfig::Kind::kNone) return table;
  if (rope.kind == RopeConfig::Kind::kLinear) {
    table.scale = float(1 / rope.factor);
    return table;
  }
  double low = 0, high = 0;
  if (rope.kind == RopeConfig::Kind::kYarn) {
    low = std::max(std::floor(YarnDimension(rope.beta_fast, rope, head_dim)), 0.0);
    high = std::min(std::ceil(YarnDimension(rope.beta_slow, rope, head_dim)), double(head_dim - 1));
    if (low == high) high += 0.001;
    table.magnitude = float(YarnMagnitude(rope.factor, rope.mscale) / YarnMagnitude(rope.factor, rope.mscale_all_dim));
  }
  for (int i = 0; i < head_dim / 2; ++i) {
    const double wavelength = std::pow(rope.theta, 2.0 * i / head_dim);
    if (rope.kind == RopeConfig::Kind::kLlama3) {
      table.wavelengths.push_back(float(Llama3Wavelength(wavelength, rope)));
    } else {
      const double keep = 1 - std::clamp((i - low) / (high - low), 0.0, 1.0);
      const double stretched = rope.factor * wavelength;
      table.wavelengths.push_back(float(stretched * wavelength / (stretched * keep + wavelength * (1 - keep))));
    }
  }
  return table;
}

}  // namespace resident
