#include "kernels/packed_matrix.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace resident::kernels {
namespace {

/** The 32 weights of a digit group, one a byte: word i has the weights 4 i … 4 i + 3. */
using Weights = uint32_t[kDigitGroup / 4];

/** From a stream of weights of `Bits` bits, lowest bits first. Eight at a time are one number, cut in halves thrice. */
template <int Bits>
void ReadWeights(const uint8_t* from, Weights& weights) {
  constexpr uint64_t kFour = (uint64_t(1) << 4 * Bits) - 1, kTwo = ((uint64_t(1) << 2 * Bits) - 1) * 0x0000000100000001,
                     kOne = ((uint64_t(1) << Bits) - 1) * 0x0001000100010001;
  for (int i = 0; i < kDigitGroup / 4; i += 2, from += Bits) {
    uint64_t eight = 0;
    std::memcpy(&eight, from, Bits);
    eight = (eight & kFour) | (eight >> 4 * Bits) << 32;
    eight = (eight & kTwo) | (eight >> 2 * Bits & kTwo) << 16;
    eight = (eight & kOne) | (eight >> Bits & kOne) << 8;
    weights[i] = uint32_t(eight);
    weights[i + 1] = uint32_t(eight >> 32);
  }
}

/** `Width` bits of each byte. */
template <int Width>
constexpr uint32_t kLowBits = ((1u << Width) - 1) * 0x01010101u;

/** `Width` bits of each weight, from bit `Shift` on, to words that have so many bits of every weight, and back. */
template <int Width, int Shift>
void Gather(const Weights& weights, uint32_t* words) {
  for (int i = 0; i < kDigitGroup / 4; ++i) {
    words[i * Width / 8] |= (weights[i] >> Shift & kLowBits<Width>) << i * Width % 8;
  }
}
template <int Width, int Shift>
void Spread(const uint32_t* words, Weights& weights) {
  for (int i = 0; i < kDigitGroup / 4; ++i) {
    weights[i] |= (words[i * Width / 8] >> i * Width % 8 & kLowBits<Width>) << Shift;
  }
}

/** Calls use<width, shift>(first word) for each part that weights of `Bits` bits have (packed_matrix.h). */
template <int Bits, typename Use>
void ForParts(Use use) {
  constexpr int kLower = Bits == 8 ? 8 : Bits >= 4 ? 4 : 2;
  use.template operator()<kLower, 0>(0);
  if constexpr (Bits > kLower) use.template operator()<Bits - kLower, kLower>(kLower);
}

/** Calls use<bits>() for the widths there are. */
template <typename Use>
void WithBits(int bits, Use use) {
  switch (bits) {
    case 2:
      return use.template operator()<2>();
    case 3:
      return use.template operator()<3>();
    case 4:
      return use.template operator()<4>();
    case 5:
      return use.template operator()<5>();
    case 6:
      return use.template operator()<6>();
    default:
      return use.template operator()<8>();
  }
}

}  // namespace

PackedMatrix::PackedMatrix(const SourceMatrix& source, ThreadPool* threads)
    : outputs_(source.outputs), inputs_(source.inputs) {
  if (source.coding == Coding::kFloats) {
    PackFloats(source, threads);
  } else if (source.coding == Coding::kAffine) {
    PackIntegers(source, threads);
  } else {
    PackCodes(source, threads);
  }
  if (source.bias == nullptr) return;
  bias_ = Buffer(size_t(padded_outputs()) * sizeof(float));
  std::memset(bias_.data(), 0, bias_.bytes());
  std::memcpy(bias_.data(), source.bias, size_t(outputs_) * sizeof(float));
}

template <typename Pack>
void PackedMatrix::PackPanels(size_t panel_bytes, ThreadPool* threads, Pack pack) {
  panel_bytes_ = panel_bytes;
  data_ = Buffer(panel_bytes_ * size_t(panels()));
  const auto pack_panel = [&](int panel, int) {
    std::memset(Panel(panel), 0, panel_bytes_);
    for (int o = panel * kPanelRows; o < std::min(outputs_, (panel + 1) * kPanelRows); ++o) pack(o);
  };
  if (threads != nullptr) return threads->Run(panels(), pack_panel);
  for (int panel = 0; panel < panels(); ++panel) pack_panel(panel, 0);
}

void PackedMatrix::PackFloats(const SourceMatrix& source, ThreadPool* threads) {
  float_type_ = source.type;
  const size_t size = SizeOf(source.type), inputs = size_t(inputs_);
  const auto* from = static_cast<const std::byte*>(source.weights);
  PackPanels(size_t(padded_inputs()) * kPanelRows * size, threads, [&](int o) {
    std::byte* to = Panel(o / kPanelRows) + size_t(o % kPanelRows) * size;
    for (size_t k = 0; k < inputs; ++k) {
      std::memcpy(to + k * kPanelRows * size, from + (size_t(o) * inputs + k) * size, size);
    }
  });
}

void PackedMatrix::PackIntegers(const SourceMatrix& source, ThreadPool* threads) {
  const int scale_groups = inputs_ / source.group_size;
  const size_t scale_count = size_t(outputs_) * size_t(scale_groups);
  format_ = {source.bits, inputs_ / kDigitGroup, source.group_size / kDigitGroup,
             NarrowestType(source.type, {source.scales, source.zeros}, scale_count)};
  const size_t scale_bytes = SizeOf(format_.scale_type);
  const size_t group_bytes =
      kPanelRows * (2 * scale_bytes + size_t(format_.groups_a_scale * source.bits) * sizeof(uint32_t));
  WithBits(source.bits, [&]<int Bits>() {
    const size_t row_bytes = size_t(format_.digit_groups) * Bits * sizeof(uint32_t);
    PackPanels(size_t(scale_groups) * group_bytes, threads, [&](int o) {
      const auto* from = static_cast<const uint8_t*>(source.weights) + size_t(o) * row_bytes;
      const size_t lane = size_t(o % kPanelRows);
      for (int g = 0; g < scale_groups; ++g) {
        std::byte* to = Panel(o / kPanelRows) + size_t(g) * group_bytes;
        const size_t at = size_t(o) * size_t(scale_groups) + size_t(g);
        StoreFloat(format_.scale_type, FloatAt(source.type, source.scales, at), to + lane * scale_bytes);
        StoreFloat(format_.scale_type, FloatAt(source.type, source.zeros, at), to + (kPanelRows + lane) * scale_bytes);
        to += 2 * kPanelRows * scale_bytes + lane * sizeof(uint32_t);
        for (int d = 0; d < format_.groups_a_scale; ++d, from += Bits * sizeof(uint32_t)) {
          Weights weights;
          uint32_t words[Bits] = {};
          ReadWeights<Bits>(from, weights);
          ForParts<Bits>([&]<int Width, int Shift>(int first) { Gather<Width, Shift>(weights, words + first); });
          for (const uint32_t word : words) {
            std::memcpy(to, &word, sizeof word);
            to += kPanelRows * sizeof word;
          }
        }
      }
    });
  });
}

void PackedMatrix::PackCodes(const SourceMatrix& source, ThreadPool* threads) {
  const bool bytes = source.coding == Coding::kMxfp8, nvidia = source.coding == Coding::kNvfp4;
  const int scale_inputs = nvidia ? 16 : 32, scale_groups = inputs_ / scale_inputs;
  const auto* scale_codes = static_cast<const uint8_t*>(source.scales);
  std::array<float, 256> scales{};  // of the codes that are there
  for (size_t i = 0; i < size_t(outputs_) * size_t(scale_groups); ++i) {
    const uint8_t code = scale_codes[i];
    if (scales[code] == 0) scales[code] = nvidia ? FloatOfE4M3(code) * source.global_scale : FloatOfE8M0(code);
  }
  coded_format_ = {bytes ? 8 : 4, scale_inputs, NarrowestType(FloatType::kF32, {scales.data()}, scales.size())};
  const size_t scale_bytes = SizeOf(coded_format_.scale_type), row_bytes = size_t(inputs_) * (bytes ? 2 : 1) / 2;
  const size_t codes = size_t(scale_inputs) * (bytes ? 2 : 1) / 2;  // bytes of a group and output
  const size_t group_bytes = kPanelRows * (scale_bytes + codes);
  PackPanels(size_t(scale_groups) * group_bytes, threads, [&](int o) {
    const size_t lane = size_t(o % kPanelRows);
    // Two codes of 4 bits are in a byte as they are in a panel.
    const auto* from = static_cast<const std::byte*>(source.weights) + size_t(o) * row_bytes;
    for (int g = 0; g < scale_groups; ++g, from += codes) {
      std::byte* to = Panel(o / kPanelRows) + size_t(g) * group_bytes;
      const uint8_t scale_code = scale_codes[size_t(o) * size_t(scale_groups) + size_t(g)];
      StoreFloat(coded_format_.scale_type, scales[scale_code], to + lane * scale_bytes);
      to += kPanelRows * scale_bytes + lane;
      for (size_t i = 0; i < codes; ++i) to[i * kPanelRows] = from[i];
    }
  });
}

void PackedMatrix::Row(int output, float* y) const {
  const std::byte* panel = Panel(output / kPanelRows);
  const size_t lane = size_t(output % kPanelRows);
  std::memset(y, 0, size_t(padded_inputs()) * sizeof(float));
  if (quantised()) return IntegerRow(panel, lane, y);
  if (coded()) return CodedRow(panel, lane, y);
  for (int k = 0; k < inputs_; ++k) y[k] = FloatAt(float_type_, panel, size_t(k) * kPanelRows + lane);
}

void PackedMatrix::IntegerRow(const std::byte* panel, size_t lane, float* y) const {
  const size_t scale_bytes = SizeOf(format_.scale_type) * kPanelRows;
  WithBits(format_.bits, [&]<int Bits>() {
    for (int g = 0; g < format_.digit_groups; g += format_.groups_a_scale) {
      const float scale = FloatAt(format_.scale_type, panel, lane);
      const float zero = FloatAt(format_.scale_type, panel + scale_bytes, lane);
      panel += 2 * scale_bytes;
      for (int d = 0; d < format_.groups_a_scale; ++d) {
        Weights weights = {};
        uint32_t words[Bits];
        for (uint32_t& word : words) {
          std::memcpy(&word, panel + lane * sizeof word, sizeof word);
          panel += kPanelRows * sizeof word;
        }
        ForParts<Bits>([&]<int Width, int Shift>(int first) { Spread<Width, Shift>(words + first, weights); });
        for (const uint32_t four : weights) {
          for (int shift = 0; shift < 32; shift += 8) *y++ = std::fma(scale, float(four >> shift & 255u), zero);
        }
      }
    }
  });
}

void PackedMatrix::CodedRow(const std::byte* panel, size_t lane, float* y) const {
  const auto* at = reinterpret_cast<const uint8_t*>(panel);
  const size_t scale_bytes = SizeOf(coded_format_.scale_type) * kPanelRows;
  for (int k = 0; k < inputs_;) {
    const float scale = FloatAt(coded_format_.scale_type, at, lane);
    at += scale_bytes;
    for (const int end = k + coded_format_.scale_inputs; k < end; at += kPanelRows) {
      const uint8_t code = at[lane];
      if (coded_format_.bits == 8) {
        y[k++] = scale * FloatOfE4M3(code);
      } else {
        y[k++] = scale * FloatOfE2M1(code & 15);
        y[k++] = scale * FloatOfE2M1(code >> 4);
      }
    }
  }
}

}  // namespace resident::kernels
