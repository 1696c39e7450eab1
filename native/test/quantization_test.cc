// Every format of MLX's, as MLX makes it of random matrices: the kernels must hold the same numbers.
#include "core/quantization.h"

#include <mlx/ops.h>
#include <mlx/random.h>
#include <mlx/transforms.h>

#include "check.h"
#include "core/cpu_formats.h"

using namespace resident;

namespace {

const mx::Device kCpu(mx::Device::cpu);
constexpr int kOutputs = 19, kInputs = 256;

std::vector<Quantization> AllFormats() {
  std::vector<Quantization> formats{
      {32, 4, QuantMode::kMxfp4}, {32, 8, QuantMode::kMxfp8}, {16, 4, QuantMode::kNvfp4}};
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const int group_size : {32, 64, 128}) formats.push_back({group_size, bits});
  }
  return formats;
}

Matrix Quantise(const Quantization& q, mx::Dtype type) {
  const Tensor x = mx::random::normal({kOutputs, kInputs}, type, 0, 0.3f, mx::random::key(3), kCpu);
  std::vector<Tensor> parts =
      mx::quantize(x, q.group_size, q.bits, std::string(ModeName(q.mode)), std::nullopt, kCpu);
  mx::eval(parts);
  return {parts[0], parts[1], q.affine() ? std::optional(parts[2]) : std::nullopt, std::nullopt, q, type};
}

Tensor Numbers(const Matrix& m) {
  const Quantization& q = *m.quantization;
  Tensor numbers = mx::dequantize(m.weight, mx::astype(*m.scales, q.affine() ? mx::float32 : mx::uint8, kCpu),
                                  m.zeros ? std::optional(mx::astype(*m.zeros, mx::float32, kCpu)) : std::nullopt,
                                  q.group_size, q.bits, std::string(ModeName(q.mode)), std::nullopt, mx::float32, kCpu);
  numbers.eval();
  return numbers;
}

}  // namespace

TEST("the kernels hold the numbers of each format exactly as MLX does") {
  for (const Quantization& q : AllFormats()) {
    CHECK_EQUAL(WhatIsUnknown(q), std::string());
    for (const mx::Dtype type : {mx::float32, mx::bfloat16}) {
      const Matrix matrix = Quantise(q, type);
      const Tensor expected = Numbers(matrix);
      const kernels::PackedMatrix packed(SourceOf(matrix));
      CHECK_EQUAL(packed.inputs(), kInputs);
      std::vector<float> row(size_t(packed.padded_inputs()));
      for (int o = 0; o < kOutputs; ++o) {
        packed.Row(o, row.data());
        const float* numbers = expected.data<float>() + o * kInputs;
        for (int i = 0; i < kInputs; ++i) {
          // A product and a sum are rounded once here and twice there.
          CHECK_NEAR(row[size_t(i)], numbers[i], q.affine() ? 2e-7 : 0);
        }
      }
    }
  }
}

TEST("formats that MLX does not have are named") {
  CHECK_EQUAL(WhatIsUnknown({64, 7}), std::string("with 7 bits"));
  CHECK_EQUAL(WhatIsUnknown({16, 4}), std::string("with groups of 16"));
  CHECK_EQUAL(WhatIsUnknown({64, 4, QuantMode::kMxfp4}), std::string("with groups of 64"));
  CHECK_EQUAL(WhatIsUnknown({16, 8, QuantMode::kNvfp4}), std::string("with 8 bits"));
  CHECK(!ModeOfName("fp3"));
}
