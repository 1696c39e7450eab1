#include "kernels/short_floats.h"

#include <bit>
#include <cmath>

namespace resident::kernels {
namespace {

/** Whether f16 has this number: 11 bits from 2^-24 on. No branches: compilers make vector instructions of that. */
bool IsHalf(float value) {
  const float size = std::fabs(value);
  return ((std::bit_cast<uint32_t>(value) & 0x1fffu) == 0) & (size <= 65504) & ((size + 0.5f) - 0.5f == size);
}

bool IsBrain(float value) { return (std::bit_cast<uint32_t>(value) & 0xffffu) == 0; }

template <typename Is>
bool AreAll(Is is, FloatType type, std::initializer_list<const void*> lists, size_t count) {
  bool all = true;
  for (const void* values : lists) {
    for (size_t i = 0; i < count; ++i) all &= is(FloatAt(type, values, i));
  }
  return all;
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

FloatType NarrowestType(FloatType type, std::initializer_list<const void*> lists, size_t count) {
  if (type == FloatType::kF16 || AreAll(IsHalf, type, lists, count)) return FloatType::kF16;
  if (type == FloatType::kBF16 || AreAll(IsBrain, type, lists, count)) return FloatType::kBF16;
  return FloatType::kF32;
}

float FloatOfE2M1(uint8_t code) { return FloatOfCode<2, 1>(code); }
float FloatOfE4M3(uint8_t code) { return FloatOfCode<4, 3>(code); }
float FloatOfE8M0(uint8_t code) { return std::ldexp(1.f, int(code) - 127); }

}  // namespace resident::kernels
