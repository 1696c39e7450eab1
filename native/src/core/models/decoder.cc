#include "core/models/decoder.h"

#include <cmath>

namespace resident {
namespace {

WeightSpec NormSpec(std::string module, int size) {
  return {WeightSpec::Kind::kNorm, {std::move(module)}, {size}, 0, false};
}

WeightSpec LinearSpec(std::vector<std::string> modules, std::vector<int> outputs, int inputs, bool bias) {
  return {WeightSpec::Kind::kLinear, std::move(modules), std::move(outputs), inputs, bias};
}

/** Hands out loaded weights in the order of Decoder::Weights. */
class WeightQueue {
 public:
  explicit WeightQueue(std::vector<LoadedWeight> weights) : weights_(std::move(weights)) {}
  std::unique_ptr<Linear> NextLinear() { return std::move(weights_.at(next_++).linear); }
  Tensor NextNorm() { return weights_.at(next_++).norm.value(); }

 private:
  std::vector<LoadedWeight> weights_;
  size_t next_ = 0;
};

}  // namespace

std::vector<WeightSpec> Decoder::Weights(const ModelConfig& c) {
  const int queries = c.num_heads * c.head_dim, keys = c.num_kv_heads * c.head_dim;
  std::vector<WeightSpec> specs{LinearSpec({"model.embed_tokens"}, {c.vocab_size}, c.hidden_size, false)};
  for (int i = 0; i < c.num_layers; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    const std::string attention = layer + "self_attn.", mlp = layer + "mlp.";
    specs.push_back(NormSpec(layer + "input_layernorm", c.hidden_size));
    specs.push_back(NormSpec(layer + "post_attention_layernorm", c.hidden_size));
    specs.push_back(
        LinearSpec({attention + "q_proj", attention + "k_proj"}, {queries, keys}, c.hidden_size, c.qkv_bias));
    specs.push_back(LinearSpec({attention + "v_proj"}, {keys}, c.hidden_size, c.qkv_bias));
    specs.push_back(LinearSpec({attention + "o_proj"}, {c.hidden_size}, queries, c.output_bias));
    specs.push_back(LinearSpec({mlp + "gate_proj"}, {c.intermediate_size}, c.hidden_size, c.mlp_bias));
    specs.push_back(LinearSpec({mlp + "up_proj"}, {c.intermediate_size}, c.hidden_size, c.mlp_bias));
    specs.push_back(LinearSpec({mlp + "down_proj"}, {c.hidden_size}, c.intermediate_size, c.mlp_bias));
    if (c.query_key_norm) {
      specs.push_back(NormSpec(attention + "q_norm", c.head_dim));
      specs.push_back(NormSpec(attention + "k_norm", c.head_dim));
    }
  }
  specs.push_back(NormSpec("model.norm", c.hidden_size));
  if (!c.tied_head) specs.push_back(LinearSpec({"lm_head"}, {c.vocab_size}, c.hidden_size, false));
  return specs;
}

Decoder::Decoder(const ModelConfig& config, const Ops& ops, std::vector<LoadedWeight> weights)
    : config_(config), rope_(ops.PrepareRope(MakeRopeTable(config.rope, config.head_dim), config.head_dim)) {
  WeightQueue queue(std::move(weights));
  embedding_ = queue.NextLinear();
  for (int i = 0; i < config.num_layers; ++i) {
    Layer layer{.attention_norm = queue.NextNorm(),
                .feed_forward_norm = queue.NextNorm(),
                .query_key = queue.NextLinear(),
                .value = queue.NextLinear(),
                .output = queue.NextLinear(),
                .gate = queue.NextLinear(),
                .up = queue.NextLinear(),
                .down = queue.NextLinear(),
                .query_norm = std::nullopt,
                .key_norm = std::nullopt};
    if (config.query_key_norm) {
      layer.query_norm = queue.NextNorm();
      layer.key_norm = queue.NextNorm();
    }
    layers_.push_back(std::move(layer));
  }
  norm_ = queue.NextNorm();
  if (!config.tied_head) head_ = queue.NextLinear();
}

Tensor Decoder::QueriesAndKeys(const Ops& ops, const Layer& layer, const Tensor& x, const Tensor& positions) const {
  const int heads = config_.num_heads, all_heads = heads + config_.num_kv_heads;
  Tensor both = ops.SplitHeads(ops.Apply(*layer.query_key, x), all_heads, config_.head_dim);
  if (layer.query_norm) {
    both = ops.JoinHeads(ops.RmsNorm(ops.SelectHeads(both, 0, heads), *layer.query_norm, config_.norm_eps),
                         ops.RmsNorm(ops.SelectHeads(both, heads, all_heads), *layer.key_norm, config_.norm_eps));
  }
  return ops.Rotate(*rope_, both, positions);
}

Tensor Decoder::Forward(const Ops& ops, const RowPlan& plan, const Slabs& slabs, Slabs& next) const {
  const int heads = config_.num_heads, all_heads = heads + config_.num_kv_heads;
  const float scale = 1.f / std::sqrt(float(config_.head_dim));
  Tensor x = ops.Embed(*embedding_, plan.ids);
  for (size_t i = 0; i < layers_.size(); ++i) {
    const Layer& layer = layers_[i];
    const Tensor in = ops.RmsNorm(x, layer.attention_norm, config_.norm_eps);
    const Tensor both = QueriesAndKeys(ops, layer, in, plan.positions);
    next.k.push_back(ops.Append(slabs.k[i], ops.SelectHeads(both, heads, all_heads), plan.slots));
    next.v.push_back(ops.Append(slabs.v[i], ops.Apply(*layer.value, in), plan.slots));
    const Tensor queries = ops.SelectHeads(both, 0, heads);
    const Tensor attended = ops.Attend(queries, next.k.back(), next.v.back(), plan, scale);
    x = ops.Add(x, ops.Apply(*layer.output, attended));
    const Tensor normed = ops.RmsNorm(x, layer.feed_forward_norm, config_.norm_eps);
    const Tensor gated = ops.GatedSilu(ops.Apply(*layer.gate, normed), ops.Apply(*layer.up, normed));
    x = ops.Add(x, ops.Apply(*layer.down, gated));
  }
  return x;
}

Tensor Decoder::Logits(const Ops& ops, const Tensor& hidden) const {
  return ops.Apply(head_ ? *head_ : *embedding_, ops.RmsNorm(hidden, *norm_, config_.norm_eps));
}

}  // namespace resident
