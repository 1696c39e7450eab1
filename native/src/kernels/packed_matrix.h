#pragma once
#include <cstdint>

#include "kernels/buffer.h"
#include "kernels/kernel_table.h"
#include "kernels/short_floats.h"
#include "kernels/thread_pool.h"

namespace resident::kernels {

/** What the weights of a matrix are. */
enum class Coding {
  kFloats,  // of `type`
  kAffine,  // integers of 2, 3, 4, 5, 6 or 8 bits, times a scale plus a zero, both of `type`
  kMxfp4,   // E2M1 times a power of two (E8M0) for 32 inputs
  kMxfp8,   // E4M3 times a power of two (E8M0) for 32 inputs
  kNvfp4,   // E2M1 times an E4M3 for 16 inputs, times a float for the whole matrix
};

/** A matrix [outputs, inputs] in row order, as MLX stores it. Weights narrower than a byte are packed lowest bits
 * first. */
struct SourceMatrix {
  int outputs, inputs;
  Coding coding = Coding::kFloats;
  int bits = 0;        // of an affine weight
  int group_size = 0;  // inputs that share an affine scale
  FloatType type = FloatType::kF32;
  const void* weights = nullptr;
  const void* scales = nullptr;  // [outputs, inputs / inputs that share one]
  const void* zeros = nullptr;   // affine: the same
  float global_scale = 1;        // kNvfp4
  const float* bias = nullptr;   // [outputs], or nullptr
};

/**
 * A matrix in panels of 16 outputs, each one stream. Missing outputs of the last panel are 0.
 * - Floats: [input][16].
 * - Integers: [scale group][16 scales][16 zeros], then for each 32 inputs a word of 16 outputs side by side for each
 * bit that a weight has. Words of 4 bits: the low nibbles are inputs 8 i … 8 i + 3 and the high ones 8 i + 4 … 8 i + 7.
 *   Words of 2 bits: inputs 16 i + 4 j … 16 i + 4 j + 3 are bits 2 j of the bytes. The word of 1 bit: inputs
 *   4 j … 4 j + 3 are bits j. A width of 3 bits is 2 and 1, of 5 is 4 and 1, of 6 is 4 and 2, lowest bits first.
 * - Codes: [scale group][16 scales], then [input][16] bytes, or for codes of 4 bits [two inputs][16] bytes whose low
 *   nibbles are the first one.
 * Scales are kept in the narrowest type that holds all of them exactly.
 */
class PackedMatrix {
 public:
  /**
   * `inputs` is a multiple of those that share a scale; affine: `group_size`, which is 32, 64 or 128. `threads` pack
   * it, if there are any.
   */
  explicit PackedMatrix(const SourceMatrix& source, ThreadPool* threads = nullptr);

  int outputs() const { return outputs_; }
  int inputs() const { return inputs_; }
  int panels() const { return (outputs_ + kPanelRows - 1) / kPanelRows; }
  int padded_outputs() const { return panels() * kPanelRows; }
  int padded_inputs() const { return PaddedDim(inputs_); }
  /** Integers: products need inputs as digits. */
  bool quantised() const { return format_.bits != 0; }
  bool coded() const { return coded_format_.bits != 0; }
  const PanelFormat& format() const { return format_; }
  const CodedFormat& coded_format() const { return coded_format_; }
  FloatType float_type() const { return float_type_; }
  size_t bytes() const { return data_.bytes(); }

  const std::byte* Panel(int panel) const { return data_.data() + size_t(panel) * panel_bytes_; }
  size_t panel_bytes() const { return panel_bytes_; }
  /** [padded_outputs], or nullptr. */
  const float* bias() const { return bias_.bytes() == 0 ? nullptr : reinterpret_cast<const float*>(bias_.data()); }

  /** Row `output` as floats, padded with zeros: an embedding. */
  void Row(int output, float* y) const;

 private:
  /** Allocates the panels, clears each and calls pack(output) for its outputs: panel by panel, on `threads`. */
  template <typename Pack>
  void PackPanels(size_t panel_bytes, ThreadPool* threads, Pack pack);
  std::byte* Panel(int panel) { return data_.data() + size_t(panel) * panel_bytes_; }
  void PackFloats(const SourceMatrix& source, ThreadPool* threads);
  void PackIntegers(const SourceMatrix& source, ThreadPool* threads);
  void PackCodes(const SourceMatrix& source, ThreadPool* threads);
  void IntegerRow(const std::byte* panel, size_t lane, float* y) const;
  void CodedRow(const std::byte* panel, size_t lane, float* y) const;

  int outputs_, inputs_;
  PanelFormat format_{};
  CodedFormat coded_format_{};
  FloatType float_type_ = FloatType::kF32;
  size_t panel_bytes_ = 0;
  Buffer data_, bias_;
};

}  // namespace resident::kernels
