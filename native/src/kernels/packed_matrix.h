#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "kernels/buffer.h"
#include "kernels/kernel_table.h"

namespace resident::kernels {

/** A matrix [outputs, inputs] in row order, as MLX stores it. */
struct SourceMatrix {
  int outputs, inputs;
  /** 0: `weights` are floats of `type`. 4 or 8: affine, packed into u32 words, lowest bits first. */
  int bits = 0;
  int group_size = 0;
  FloatType type = FloatType::kF32;  // of floats; of scales and zeros
  const void* weights = nullptr;
  const void* scales = nullptr;  // [outputs, inputs / group_size]
  const void* zeros = nullptr;
  const float* bias = nullptr;  // [outputs], or nullptr
};

/**
 * A matrix in panels of 16 outputs, each one stream: quantised as [scale group][16 scales][16 zeros][words of 16
 * outputs side by side], floats as [input][16]. Within a 4-bit word the low nibbles are inputs 8 i … 8 i + 3 and the
 * high ones 8 i + 4 … 8 i + 7. Missing outputs of the last panel are 0. Scales that f16 holds exactly are kept so.
 */
class PackedMatrix {
 public:
  /** `source.bits` is 0, 4 or 8; quantised: group_size 32, 64 or 128, which divides `inputs`. */
  explicit PackedMatrix(const SourceMatrix& source);
  static bool Supports(int bits, int group_size) {
    return (bits == 4 || bits == 8) && (group_size == 32 || group_size == 64 || group_size == 128);
  }

  int outputs() const { return outputs_; }
  int inputs() const { return inputs_; }
  int panels() const { return (outputs_ + kPanelRows - 1) / kPanelRows; }
  int padded_outputs() const { return panels() * kPanelRows; }
  int padded_inputs() const { return PaddedDim(inputs_); }
  bool quantised() const { return format_.bits != 0; }
  const PanelFormat& format() const { return format_; }
  FloatType float_type() const { return float_type_; }
  size_t bytes() const { return data_.bytes(); }

  const std::byte* Panel(int panel) const { return data_.data() + size_t(panel) * panel_bytes_; }
  size_t panel_bytes() const { return panel_bytes_; }
  /** [padded_outputs], or nullptr. */
  const float* bias() const { return bias_.bytes() == 0 ? nullptr : reinterpret_cast<const float*>(bias_.data()); }

  /** Row `output` as floats, padded with zeros: an embedding. */
  void Row(int output, float* y) const;

 private:
  void PackFloats(const SourceMatrix& source);
  void PackQuantised(const SourceMatrix& source);

  int outputs_, inputs_;
  PanelFormat format_{};
  FloatType float_type_ = FloatType::kF32;
  size_t panel_bytes_ = 0;
  Buffer data_, bias_;
};

float FloatAt(FloatType type, const void* values, size_t index);
/** Round to nearest, ties to even; beyond the range infinity. */
uint16_t ToHalf(float value);
uint16_t ToBrain(float value);

}  // namespace resident::kernels
