#pragma once
#include <cstddef>
#include <vector>

#include "core/ops.h"
#include "kernels/packed_matrix.h"

namespace resident {

/** How our kernels take a matrix of one of MLX's formats. */
struct KernelFormat {
  /** 4 or 8: integers with a scale and a zero point for each group; 0: floats, in bf16. */
  int bits;
  /** The words of the checkpoint are the kernels' own. */
  bool as_stored;
};

/**
 * The one table of formats: without a kernel of its own a format is rewritten as the smallest one that holds exactly the
 * same numbers.
 */
KernelFormat KernelFormatOf(const Quantization& quantization);

/** A matrix of a format with `as_stored` false in the format that the kernels take. */
class RewrittenMatrix {
 public:
  explicit RewrittenMatrix(const Matrix& matrix);
  /** Without a bias; points into this object and into the matrix that it was made of. */
  const kernels::SourceMatrix& source() const { return source_; }

 private:
  void WidenIntegers(const Matrix& matrix, int bits);
  void MakeIntegersOfFloats(const Matrix& matrix);
  void MakeFloats(const Matrix& matrix);

  kernels::SourceMatrix source_{};
  std::vector<uint32_t> words_;
  std::vector<uint16_t> floats_;
  std::vector<float> scales_, zeros_;
};

}  // namespace resident
