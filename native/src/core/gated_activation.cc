#include "core/gated_activation.h"

#include <mlx/compile.h>
#include <mlx/ops.h>

namespace resident {
namespace {

mx::array Activate(Activation activation, const mx::array& x, mx::Device device) {
  if (activation == Activation::kSilu) return mx::multiply(x, mx::sigmoid(x, device), device);
  // 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))): GELU's usual approximation (Hendrycks and Gimpel 2016).
  const auto number = [&](float value) { return mx::array(value, x.dtype()); };
  const mx::array cube = mx::multiply(x, mx::multiply(x, x, device), device);
  const mx::array inner =
      mx::multiply(number(0.7978845608f), mx::add(x, mx::multiply(number(0.044715f), cube, device), device), device);
  return mx::multiply(mx::multiply(number(0.5f), x, device), mx::add(number(1), mx::tanh(inner, device), device),
                      device);
}

}  // namespace

mx::array GatedActivation(Activation activation, const mx::array& gate, const mx::array& up, mx::Device device) {
  return mx::multiply(Activate(activation, gate, device), up, device);
}

CompiledActivation CompileGatedActivation(Activation activation, mx::Device device) {
  const CompiledActivation plain = [activation, device](const std::vector<mx::array>& inputs) {
    return std::vector<mx::array>{GatedActivation(activation, inputs[0], inputs[1], device)};
  };
  constexpr bool kAnyShape = true;
  return mx::compile(plain, kAnyShape);
}

}  // namespace resident
