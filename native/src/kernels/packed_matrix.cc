#include "kernels/packed_matrix.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace resident::kernels {
namespace {

constexpr int kWordsOf4Bits = 4, kWordsOf8Bits = 8;  // u32 words of a digit group, per output

float HalfToFloat(uint16_t half) {
  const uint32_t sign = uint32_t(half & 0x8000) << 16, magnitude = half & 0x7fff;
  if (magnitude >= 0x7c00) return std::bit_cast<float>(sign | 0x7f800000u | (magnitude & 0x3ffu) << 13);
  if (magnitude >= 0x400) return std::bit_cast<float>(sign | (magnitude + 0x1c000u) << 13);
  return (sign != 0 ? -1.f : 1.f) * float(magnitude) * 0x1p-24f;
}

void StoreFloat(FloatType type, float value, std::byte* to) {
  if (type == FloatType::kF32) {
    std::memcpy(to, &value, 4);
    return;
  }
  const uint16_t half = type == FloatType::kF16 ? ToHalf(value) : ToBrain(value);
  std::memcpy(to, &half, 2);
}

bool AllAreHalves(const SourceMatrix& source, size_t count) {
  for (const void* values : {source.scales, source.zeros}) {
    for (size_t i = 0; i < count; ++i) {
      const float value = FloatAt(source.type, values, i);
      if (HalfToFloat(ToHalf(value)) != value) return false;
    }
  }
  return true;
}

/** 8 consecutive nibbles n0…n7 to bytes n0|n4<<4, n1|n5<<4, … */
uint32_t InterleaveNibbles(uint32_t word) {
  uint32_t result = 0;
  for (int i = 0; i < 4; ++i) {
    result |= (word >> (4 * i) & 15u) << (8 * i);
    result |= (word >> (4 * (i + 4)) & 15u) << (8 * i + 4);
  }
  return result;
}

}  // namespace

float FloatAt(FloatType type, const void* values, size_t index) {
  if (type == FloatType::kF32) return static_cast<const float*>(values)[index];
  const uint16_t half = static_cast<const uint16_t*>(values)[index];
  return type == FloatType::kF16 ? HalfToFloat(half) : std::bit_cast<float>(uint32_t(half) << 16);
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

PackedMatrix::PackedMatrix(const SourceMatrix& source) : outputs_(source.outputs), inputs_(source.inputs) {
  if (source.bits == 0) {
    PackFloats(source);
  } else {
    PackQuantised(source);
  }
  if (source.bias == nullptr) return;
  bias_ = Buffer(size_t(padded_outputs()) * sizeof(float));
  std::memset(bias_.data(), 0, bias_.bytes());
  std::memcpy(bias_.data(), source.bias, size_t(outputs_) * sizeof(float));
}

void PackedMatrix::PackFloats(const SourceMatrix& source) {
  float_type_ = source.type;
  const size_t size = SizeOf(source.type), inputs = size_t(inputs_);
  panel_bytes_ = size_t(padded_inputs()) * kPanelRows * size;
  data_ = Buffer(panel_bytes_ * size_t(panels()));
  std::memset(data_.data(), 0, data_.bytes());
  const auto* from = static_cast<const std::byte*>(source.weights);
  for (int o = 0; o < outputs_; ++o) {
    std::byte* to = data_.data() + size_t(o / kPanelRows) * panel_bytes_ + size_t(o % kPanelRows) * size;
    for (size_t k = 0; k < inputs; ++k) {
      std::memcpy(to + k * kPanelRows * size, from + (size_t(o) * inputs + k) * size, size);
    }
  }
}

void PackedMatrix::PackQuantised(const SourceMatrix& source) {
  const int scale_groups = inputs_ / source.group_size;
  const FloatType scale_type =
      AllAreHalves(source, size_t(outputs_) * size_t(scale_groups)) ? FloatType::kF16 : source.type;
  format_ = {source.bits, inputs_ / kDigitGroup, source.group_size / kDigitGroup, scale_type};
  const size_t scale_bytes = SizeOf(scale_type), word_bytes = sizeof(uint32_t);
  const int words = (source.bits == 4 ? kWordsOf4Bits : kWordsOf8Bits) * format_.groups_a_scale;  // of a scale group
  const size_t group_bytes = kPanelRows * (2 * scale_bytes + size_t(words) * word_bytes);
  panel_bytes_ = size_t(scale_groups) * group_bytes;
  data_ = Buffer(panel_bytes_ * size_t(panels()));
  std::memset(data_.data(), 0, data_.bytes());
  const auto* from = static_cast<const uint32_t*>(source.weights);
  for (int o = 0; o < outputs_; ++o) {
    const size_t lane = size_t(o % kPanelRows);
    for (int g = 0; g < scale_groups; ++g) {
      std::byte* group = data_.data() + size_t(o / kPanelRows) * panel_bytes_ + size_t(g) * group_bytes;
      const size_t at = size_t(o) * size_t(scale_groups) + size_t(g);
      StoreFloat(scale_type, FloatAt(source.type, source.scales, at), group + lane * scale_bytes);
      StoreFloat(scale_type, FloatAt(source.type, source.zeros, at), group + (kPanelRows + lane) * scale_bytes);
      std::byte* to = group + 2 * kPanelRows * scale_bytes + lane * word_bytes;
      for (int w = 0; w < words; ++w) {
        const uint32_t word = from[at * size_t(words) + size_t(w)];
        const uint32_t packed = source.bits == 4 ? InterleaveNibbles(word) : word;
        std::memcpy(to + size_t(w) * kPanelRows * word_bytes, &packed, word_bytes);
      }
    }
  }
}

void PackedMatrix::Row(int output, float* y) const {
  const std::byte* panel = Panel(output / kPanelRows);
  const size_t lane = size_t(output % kPanelRows);
  std::memset(y, 0, size_t(padded_inputs()) * sizeof(float));
  if (!quantised()) {
    for (int k = 0; k < inputs_; ++k) y[k] = FloatAt(float_type_, panel, size_t(k) * kPanelRows + lane);
    return;
  }
  const size_t scale_bytes = SizeOf(format_.scale_type) * kPanelRows;
  const int words = (format_.bits == 4 ? kWordsOf4Bits : kWordsOf8Bits), a_scale = format_.groups_a_scale;
  for (int g = 0; g < format_.digit_groups; g += a_scale) {
    const float scale = FloatAt(format_.scale_type, panel, lane);
    const float zero = FloatAt(format_.scale_type, panel + scale_bytes, lane);
    panel += 2 * scale_bytes;
    for (int w = 0; w < words * a_scale; ++w, panel += kPanelRows * sizeof(uint32_t)) {
      uint32_t word = 0;
      std::memcpy(&word, panel + lane * sizeof word, sizeof word);
      for (int b = 0; b < 4; ++b) {
        const uint32_t byte = word >> (8 * b) & 255u;
        if (format_.bits == 8) {
          *y++ = std::fma(scale, float(byte), zero);
        } else {
          y[b] = std::fma(scale, float(byte & 15u), zero);
          y[b + 4] = std::fma(scale, float(byte >> 4), zero);
        }
      }
      if (format_.bits == 4) y += 8;
    }
  }
}

}  // namespace resident::kernels
