#pragma once
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>

#include "kernels/kernel_table.h"

namespace resident::kernels {

float FloatAt(FloatType type, const void* values, size_t index);
void StoreFloat(FloatType type, float value, std::byte* to);
/** Round to nearest, ties to even; beyond the range infinity. */
uint16_t ToHalf(float value);
uint16_t ToBrain(float value);

/** The narrowest of `f16`, `bf16` and `f32` that holds all values exactly. */
FloatType NarrowestType(std::initializer_list<std::span<const float>> all);

/** Values of codes (OCP Microscaling Formats 1.0): E2M1 of four bits, E4M3 without its NaN, E8M0 a power of two. */
float FloatOfE2M1(uint8_t code);
float FloatOfE4M3(uint8_t code);
float FloatOfE8M0(uint8_t code);

}  // namespace resident::kernels
