#include "kernels/short_floats.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace resident::kernels {
namespace {

float HalfToFloat(uint16_t half) {
  const uint32_t sign = uint32_t(half & 0x8000) << 16, magnitude = half & 0x7fff;
  if (magnitude >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  if (magnitude >= 0x400) return std::bit_cast<float>(sign | (magnitude + 0x1c000u) << 13);
  return (sign != 0 ? -1.f : 1.f) * float(magnitude) * 0x1p-24f;
}

float BrainToFloat(uint16_t brain) { return std::bit_cast<float>(uint32_t(brain) << 16); }

bool Holds(FloatType type, std::initializer_list<std::span<const float>> all) {
  for (const std::span<const float> values : all) {
    for (const float value : values) {
      const float kept = type == FloatType::kF16 ? HalfToFloat(ToHalf(value)) : BrainToFloat(ToBrain(value));
      if (kept != value) return false;
    }
  }
  return true;
}

/** `Exponent` bits and `Mantissa` bits behind a sign; every code is a number. */
template <int Exponent, int Mantissa>
float FloatOfCode(uint8_t code) {
  constexpr int kBias = (1 << (Exponent - 1)) - 1, kOne = 1 << Mantissa;
  const int exponent = code >> Mantissa & ((1 << Exponent) - 1), mantissa = code & (kOne - 1);
  const float magnitude = exponent == 0 ? std::ldexp(float(mantissa), 1 - kBias - Mantissa)
                                        : std::ldexp(float(kOne + mantissa), exponent - kBias - Mantissa);
  return (code >> (Exponent + Mantissa) & 1) != 0 ? -magnitude : magnitude;
}

}  // namespace

float FloatAt(FloatType type, const void* values, size_t index) {
  if (type == FloatType::kF32) return static_cast<const float*>(values)[index];
  const uint16_t half = static_cast<const uint16_t*>(values)[index];
  return type == FloatType::kF16 ? HalfToFloat(half) : BrainToFloat(half);
}

void StoreFloat(FloatType type, float value, std::byte* to) {
  if (type == FloatType::kF32) {
    std::memcpy(to, &value, 4);
    return;
  }
  const uint16_t half = type == FloatType::kF16 ? ToHalf(value) : ToBrain(value);
  std::memcpy(to, &half, 2);
}

uint16_t ToHalf(float value) {
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

uint16_t ToBrain(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return uint16_t(bits >> 16 | 0x40u);
  return uint16_t((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

FloatType NarrowestType(std::initializer_list<std::span<const float>> all) {
  if (Holds(FloatType::kF16, all)) return FloatType::kF16;
  return Holds(FloatType::kBF16, all) ? FloatType::kBF16 : FloatType::kF32;
}

float FloatOfE2M1(uint8_t code) { return FloatOfCode<2, 1>(code); }
float FloatOfE4M3(uint8_t code) { return FloatOfCode<4, 3>(code); }
float FloatOfE8M0(uint8_t code) { return std::ldexp(1.f, int(code) - 127); }

}  // namespace resident::kernels
