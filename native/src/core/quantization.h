#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace resident {

/** MLX's formats of quantised matrices: integers with a scale and a bias, or small floats with a scale. */
enum class QuantMode { kAffine, kMxfp4, kMxfp8, kNvfp4 };

/** As config.json says it and MLX takes it. */
std::string_view ModeName(QuantMode mode);
std::optional<QuantMode> ModeOfName(std::string_view name);

/**
 * How one matrix is quantised: `bits` a weight; `group_size` weights of a row share a scale, and in affine mode a bias.
 * The scales are floats in affine mode and bytes in the others.
 */
struct Quantization {
  int group_size = 0;
  int bits = 0;
  QuantMode mode = QuantMode::kAffine;
  bool operator==(const Quantization&) const = default;

  bool affine() const { return mode == QuantMode::kAffine; }
};

/** What of it MLX does not have: "with 7 bits", "with groups of 16"; empty where it has all. */
std::string WhatIsUnknown(const Quantization& quantization);

}  // namespace resident
