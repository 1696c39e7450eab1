#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

#include "kernels/kernel_table.h"

namespace resident::kernels {

// Inline: a load converts every scale of a model.

inline float HalfToFloat(uint16_t half) {
  const uint32_t sign = uint32_t(half & 0x8000) << 16, magnitude = half & 0x7fff;
  if (magnitude >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  if (magnitude >= 0x400) return std::bit_cast<float>(sign | (magnitude + 0x1c000u) << 13);
  return (sign != 0 ? -1.f : 1.f) * float(magnitude) * 0x1p-24f;
}

inline float BrainToFloat(uint16_t brain) { return std::bit_cast<float>(uint32_t(brain) << 16); }

/** Rounds to nearest, ties to even; beyond the range infinity. So does ToBrain. */
inline uint16_t ToHalf(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value), sign = bits >> 16 & 0x8000u, magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return uint16_t(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return uint16_t(sign | 0x7c00u);
  if (magnitude < 0x38800000u) {  // a subnormal half: the adder rounds for us
    const float scaled = std::bit_cast<float>(magnitude) + 0.5f;
    return uint16_t(sign | (std::bit_cast<uint32_t>(scaled) - 0x3f000000u));
  }
  const uint32_t rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u) - 0x38000000u;
  return uint16_t(sign | rounded >> 13);
}

inline uint16_t ToBrain(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return uint16_t(bits >> 16 | 0x40u);
  return uint16_t((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

inline float FloatAt(FloatType type, const void* values, size_t index) {
  if (type == FloatType::kF32) return static_cast<const float*>(values)[index];
  const uint16_t half = static_cast<const uint16_t*>(values)[index];
  return type == FloatType::kF16 ? HalfToFloat(half) : BrainToFloat(half);
}

inline void StoreFloat(FloatType type, float value, std::byte* to) {
  if (type == FloatType::kF32) {
    std::memcpy(to, &value, 4);
    return;
  }
  const uint16_t half = type == FloatType::kF16 ? ToHalf(value) : ToBrain(value);
  std::memcpy(to, &half, 2);
}

/** The narrowest of f16, bf16 and f32 that holds exactly what is in some lists of `count` values of `type`. */
FloatType NarrowestType(FloatType type, std::initializer_list<const void*> lists, size_t count);

/** Values of codes (OCP Microscaling Formats 1.0): E2M1 of four bits, E4M3 without its NaN, E8M0 a power of two. */
float FloatOfE2M1(uint8_t code);
float FloatOfE4M3(uint8_t code);
float FloatOfE8M0(uint8_t code);

}  // namespace resident::kernels
