#include "core/cpu_formats.h"

#include <array>
#include <cmath>

namespace resident {
namespace {

struct Row {
  QuantMode mode;
  int bits;
  KernelFormat format;
};

/** 2 and 3 bits are integers of 4; 5 and 6 of 8. The floats of mxfp4 are halves of integers, all others are bf16's. */
constexpr std::array<Row, 9> kFormats{{{QuantMode::kAffine, 2, {4, false}},
                                       {QuantMode::kAffine, 3, {4, false}},
                                       {QuantMode::kAffine, 4, {4, true}},
                                       {QuantMode::kAffine, 5, {8, false}},
                                       {QuantMode::kAffine, 6, {8, false}},
                                       {QuantMode::kAffine, 8, {8, true}},
                                       {QuantMode::kMxfp4, 4, {8, false}},
                                       {QuantMode::kMxfp8, 8, {0, false}},
                                       {QuantMode::kNvfp4, 4, {0, false}}}};

/** Twice the numbers of FP4 (E2M1); the fourth bit is the sign. */
constexpr std::array kTwiceFp4{0, 1, 2, 3, 4, 6, 8, 12};
constexpr int kLargestTwiceFp4 = kTwiceFp4.back();

int TwiceFp4(uint32_t bits) {
  const int magnitude = kTwiceFp4[bits & 7];
  return (bits & 8) != 0 ? -magnitude : magnitude;
}

/** FP8 (E4M3, without infinities). */
double Fp8(uint32_t bits) {
  const int exponent = int(bits >> 3 & 15), mantissa = int(bits & 7);
  if (exponent == 15 && mantissa == 7) return std::nan("");
  const double magnitude =
      exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10);
  return (bits & 128) != 0 ? -magnitude : magnitude;
}

/** A power of two (E8M0). */
double PowerOfTwo(uint8_t bits) { return bits == 255 ? std::nan("") : std::ldexp(1.0, int(bits) - 127); }

/** Numbers of `bits` bits that follow each other from the lowest bit of the first word on. */
uint32_t NumberAt(const uint32_t* words, int bits, size_t index) {
  const size_t at = index * size_t(bits), shift = at % 32;
  uint64_t pair = words[at / 32];
  if (shift + size_t(bits) > 32) pair |= uint64_t(words[at / 32 + 1]) << 32;
  return uint32_t(pair >> shift) & ((1u << bits) - 1);
}

kernels::FloatType TypeOf(const Tensor& scales) {
  if (scales.dtype() == mx::float16) return kernels::FloatType::kF16;
  return scales.dtype() == mx::bfloat16 ? kernels::FloatType::kBF16 : kernels::FloatType::kF32;
}

}  // namespace

KernelFormat KernelFormatOf(const Quantization& quantization) {
  for (const Row& row : kFormats) {
    if (row.mode == quantization.mode && row.bits == quantization.bits) return row.format;
  }
  return {0, false};
}

RewrittenMatrix::RewrittenMatrix(const Matrix& matrix) {
  const Quantization& q = *matrix.quantization;
  const KernelFormat format = KernelFormatOf(q);
  source_.outputs = matrix.weight.shape(0);
  source_.inputs = matrix.weight.shape(1) * 32 / q.bits;
  source_.bits = format.bits;
  source_.group_size = q.group_size;
  if (format.bits == 0) {
    MakeFloats(matrix);
  } else if (q.affine()) {
    WidenIntegers(matrix, format.bits);
  } else {
    MakeIntegersOfFloats(matrix);
  }
}

void RewrittenMatrix::WidenIntegers(const Matrix& matrix, int bits) {
  const int stored_bits = matrix.quantization->bits;
  const size_t count = size_t(source_.outputs) * size_t(source_.inputs), a_word = 32 / size_t(bits);
  const auto* from = matrix.weight.data<uint32_t>();
  words_.assign(count / a_word, 0);
  for (size_t i = 0; i < count; ++i) {
    words_[i / a_word] |= NumberAt(from, stored_bits, i) << (i % a_word * size_t(bits));
  }
  source_.type = TypeOf(*matrix.scales);
  source_.weights = words_.data();
  source_.scales = matrix.scales->data<std::byte>();
  source_.zeros = matrix.zeros->data<std::byte>();
}

void RewrittenMatrix::MakeIntegersOfFloats(const Matrix& matrix) {
  const size_t count = size_t(source_.outputs) * size_t(source_.inputs);
  const auto* from = matrix.weight.data<uint32_t>();
  words_.assign(count / 4, 0);
  for (size_t i = 0; i < count; ++i) {
    const int raised = kLargestTwiceFp4 + TwiceFp4(NumberAt(from, 4, i));
    words_[i / 4] |= uint32_t(raised) << (i % 4 * 8);
  }
  const auto* powers = matrix.scales->data<uint8_t>();
  for (size_t g = 0; g < matrix.scales->size(); ++g) {
    scales_.push_back(float(PowerOfTwo(powers[g]) / 2));
    zeros_.push_back(-kLargestTwiceFp4 * scales_.back());
  }
  source_.type = kernels::FloatType::kF32;
  source_.weights = words_.data();
  source_.scales = scales_.data();
  source_.zeros = zeros_.data();
}

void RewrittenMatrix::MakeFloats(const Matrix& matrix) {
  const Quantization& q = *matrix.quantization;
  const size_t count = size_t(source_.outputs) * size_t(source_.inputs);
  const auto* from = matrix.weight.data<uint32_t>();
  const auto* scales = matrix.scales->data<uint8_t>();
  floats_.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const uint32_t bits = NumberAt(from, q.bits, i);
    const uint8_t scale = scales[i / size_t(q.group_size)];
    const double value =
        q.mode == QuantMode::kMxfp8 ? Fp8(bits) * PowerOfTwo(scale) : 0.5 * TwiceFp4(bits) * Fp8(scale);
    floats_[i] = kernels::ToBrain(float(value));
  }
  source_.type = kernels::FloatType::kBF16;
  source_.weights = floats_.data();
}

}  // namespace resident
