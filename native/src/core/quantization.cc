#include "core/quantization.h"

#include <algorithm>
#include <array>
#include <utility>

namespace resident {
namespace {

constexpr std::array<std::pair<QuantMode, std::string_view>, 4> kModes{{{QuantMode::kAffine, "affine"},
                                                                        {QuantMode::kMxfp4, "mxfp4"},
                                                                        {QuantMode::kMxfp8, "mxfp8"},
                                                                        {QuantMode::kNvfp4, "nvfp4"}}};
constexpr std::array kAffineBits{2, 3, 4, 5, 6, 8};
constexpr std::array kAffineGroups{32, 64, 128};

template <typename List>
bool Has(const List& list, int value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace

std::string_view ModeName(QuantMode mode) {
  for (const auto& [known, name] : kModes) {
    if (known == mode) return name;
  }
  return "";
}

std::optional<QuantMode> ModeOfName(std::string_view name) {
  for (const auto& [mode, known] : kModes) {
    if (known == name) return mode;
  }
  return std::nullopt;
}

std::string WhatIsUnknown(const Quantization& q) {
  const bool known_bits = q.affine() ? Has(kAffineBits, q.bits) : q.bits == (q.mode == QuantMode::kMxfp8 ? 8 : 4);
  if (!known_bits) return "with " + std::to_string(q.bits) + " bits";
  const bool known_groups =
      q.affine() ? Has(kAffineGroups, q.group_size) : q.group_size == (q.mode == QuantMode::kNvfp4 ? 16 : 32);
  return known_groups ? "" : "with groups of " + std::to_string(q.group_size);
}

}  // namespace resident
