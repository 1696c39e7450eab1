#include "core/cpu_formats.h"

namespace resident {
namespace {

kernels::FloatType TypeOf(const Tensor& floats) {
  if (floats.dtype() == mx::float16) return kernels::FloatType::kF16;
  return floats.dtype() == mx::bfloat16 ? kernels::FloatType::kBF16 : kernels::FloatType::kF32;
}

}  // namespace

kernels::Coding CodingOf(const std::optional<Quantization>& quantization) {
  if (!quantization) return kernels::Coding::kFloats;
  switch (quantization->mode) {
    case QuantMode::kAffine:
      return kernels::Coding::kAffine;
    case QuantMode::kMxfp4:
      return kernels::Coding::kMxfp4;
    case QuantMode::kMxfp8:
      return kernels::Coding::kMxfp8;
    case QuantMode::kNvfp4:
      return kernels::Coding::kNvfp4;
  }
  return kernels::Coding::kFloats;
}

kernels::SourceMatrix SourceOf(const Matrix& m) {
  const int bits = m.quantization ? m.quantization->bits : 0;
  return {.outputs = m.weight.shape(0),
          .inputs = bits == 0 ? m.weight.shape(1) : m.weight.shape(1) * 32 / bits,
          .coding = CodingOf(m.quantization),
          .bits = bits,
          .group_size = m.quantization ? m.quantization->group_size : 0,
          .type = TypeOf(m.scales ? *m.scales : m.weight),
          .weights = m.weight.data<std::byte>(),
          .scales = m.scales ? m.scales->data<std::byte>() : nullptr,
          .zeros = m.zeros ? m.zeros->data<std::byte>() : nullptr,
          .bias = m.bias ? m.bias->data<float>() : nullptr};
}

}  // namespace resident
