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

/** Between the two borders, wavelengths are blended with their multiples. */
struct YarnBlend {
  YarnBlend(const RopeConfig& rope, int dims)
      : low(std::max(std::floor(YarnDimension(rope.beta_fast, rope, dims)), 0.0)),
        high(std::min(std::ceil(YarnDimension(rope.beta_slow, rope, dims)), double(dims - 1))),
        factor(rope.factor) {
    if (low == high) high += 0.001;
  }

  double Wavelength(int i, double plain) const {
    const double keep = 1 - std::clamp((i - low) / (high - low), 0.0, 1.0), stretched = factor * plain;
    return stretched * plain / (stretched * keep + plain * (1 - keep));
  }

  double low, high, factor;
};

double YarnMagnitude(double factor, double mscale) { return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1; }

}  // namespace

RopeTable MakeRopeTable(const RopeConfig& rope, int head_dim) {
  RopeTable table;
  table.theta = float(rope.theta);
  table.traditional = rope.traditional;
  const int rotated = rope.RotatedDims(head_dim);
  table.dims = rope.kind == RopeConfig::Kind::kProportional ? head_dim : rotated;
  const auto wavelength = [&](int i) { return std::pow(rope.theta, 2.0 * i / table.dims); };
  const auto fill = [&](auto stretched) {
    for (int i = 0; i < table.dims / 2; ++i) table.wavelengths.push_back(float(stretched(i)));
  };
  switch (rope.kind) {
    case RopeConfig::Kind::kNone:
      break;
    case RopeConfig::Kind::kLinear:
      table.scale = float(1 / rope.factor);
      break;
    case RopeConfig::Kind::kLlama3:
      fill([&](int i) { return Llama3Wavelength(wavelength(i), rope); });
      break;
    case RopeConfig::Kind::kYarn: {
      const YarnBlend blend(rope, table.dims);
      fill([&](int i) { return blend.Wavelength(i, wavelength(i)); });
      table.magnitude =
          float(YarnMagnitude(rope.factor, rope.mscale) / YarnMagnitude(rope.factor, rope.mscale_all_dim));
      break;
    }
    case RopeConfig::Kind::kLongRope:
      fill([&](int i) { return rope.long_factors[size_t(i)] * wavelength(i); });
      if (rope.extension > 1) {
        table.magnitude = float(std::sqrt(1 + std::log(rope.extension) / std::log(double(rope.original_context_tokens))));
      }
      break;
    case RopeConfig::Kind::kProportional:
      fill([&](int i) { return i < rotated / 2 ? rope.factor * wavelength(i) : HUGE_VAL; });
      break;
  }
  return table;
}

}  // namespace resident
