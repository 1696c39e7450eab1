// MLX's fused operations as one node each, as its builds for a GPU have them: on a CPU MLX takes each of them apart
// when a graph is built. A program that is linked with this file, or starts with it preloaded, builds on a CPU the
// graph that a GPU would run. It can build graphs and not evaluate them.
#include <mlx/fast.h>
#include <mlx/ops.h>
#include <mlx/primitives.h>

#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace mlx::core::fast {

namespace {

class FusedNode final : public Primitive {
 public:
  FusedNode(Stream stream, const char* name) : Primitive(stream), name_(name) {}
  void eval_cpu(const std::vector<array>&, std::vector<array>&) override { Refuse(); }
  void eval_gpu(const std::vector<array>&, std::vector<array>&) override { Refuse(); }
  const char* name() const override { return name_; }

 private:
  [[noreturn]] static void Refuse() { throw std::logic_error("this program builds graphs and computes nothing"); }

  const char* name_;
};

array Fused(const char* name, Shape shape, Dtype type, std::vector<array> inputs, StreamOrDevice s) {
  return array(std::move(shape), type, std::make_shared<FusedNode>(to_stream(s), name), std::move(inputs));
}

}  // namespace

MLX_API array rms_norm(const array& x, const std::optional<array>& weight, float, StreamOrDevice s) {
  const Dtype type = weight ? result_type(x, *weight) : x.dtype();
  std::vector<array> inputs{astype(x, type, s)};
  if (weight) inputs.push_back(astype(*weight, type, s));
  return Fused("RMSNorm", x.shape(), type, std::move(inputs), s);
}

MLX_API array rope(const array& x, int, bool, std::optional<float>, float, const array& offset,
                   const std::optional<array>& freqs, StreamOrDevice s) {
  std::vector<array> inputs{x, astype(offset, int32, s)};
  if (freqs) inputs.push_back(astype(*freqs, float32, s));
  return Fused("RoPE", x.shape(), x.dtype(), std::move(inputs), s);
}

MLX_API array rope(const array& x, int dims, bool traditional, std::optional<float> base, float scale, int offset,
                   const std::optional<array>& freqs, StreamOrDevice s) {
  return rope(x, dims, traditional, base, scale, array(offset, int32), freqs, s);
}

MLX_API array scaled_dot_product_attention(const array& queries, const array& keys, const array& values, float,
                                           const std::string&, std::optional<array> mask,
                                           const std::optional<array>& sinks, bool, StreamOrDevice s) {
  const Dtype type = result_type({queries, keys, values});
  std::vector<array> inputs{astype(queries, type, s), astype(keys, type, s), astype(values, type, s)};
  if (mask) inputs.push_back(mask->dtype() == bool_ ? *mask : astype(*mask, type, s));
  if (sinks) inputs.push_back(*sinks);
  Shape shape = queries.shape();
  shape.back() = values.shape(-1);
  return Fused("ScaledDotProductAttention", std::move(shape), type, std::move(inputs), s);
}

}  // namespace mlx::core::fast
