#include "core/models/decoder.h"

namespace resident {
namespace {

WeightSpec NormSpec(std::string module, int size) {
  return {WeightSpec::Kind::kNorm, {std::move(module)}, {size}, 0, false};
}

WeightSpec LinearSpec(std::vector<std::string> modules, std::vector<int> outputs, int inputs, bool bias) {
  return {WeightSpec::Kind::kLinear, std::move(modules), std::move(outputs), inputs, bias};
}

/** Names differ: where norms stand on both sides, post_attention_layernorm is no longer that of the feed-forward. */
void AddNorms(const ModelConfig& c, const std::string& layer, std::vector<WeightSpec>& specs) {
  const char* const before = c.output_norms ? "pre_feedforward_layernorm" : "post_attention_layernorm";
  if (c.input_norms) {
    specs.push_back(NormSpec(layer + "input_layernorm", c.hidden_size));
    specs.push_back(NormSpec(layer + before, c.hidden_size));
  }
  if (c.output_norms) {
    specs.push_back(NormSpec(layer + "post_attention_layernorm", c.hidden_size));
    specs.push_back(NormSpec(layer + "post_feedforward_layernorm", c.hidden_size));
  }
}

/** `count` rows from `first` on of a matrix that several weights share. */
WeightSpec SliceSpec(std::string module, int first, int count, int stored_rows, int inputs, bool bias) {
  WeightSpec spec = LinearSpec({std::move(module)}, {count}, inputs, bias);
  spec.slice = RowSlice{first, stored_rows};
  return spec;
}

void AddAttention(const ModelConfig& c, const std::string& attention, std::vector<WeightSpec>& specs) {
  const int queries = c.num_heads * c.head_dim, keys = c.num_kv_heads * c.head_dim, all = queries + 2 * keys;
  if (c.fused_matrices) {
    const std::string fused = attention + "qkv_proj";
    specs.push_back(SliceSpec(fused, 0, queries + keys, all, c.hidden_size, c.qkv_bias));
    specs.push_back(SliceSpec(fused, queries + keys, keys, all, c.hidden_size, c.qkv_bias));
  } else {
    specs.push_back(
        LinearSpec({attention + "q_proj", attention + "k_proj"}, {queries, keys}, c.hidden_size, c.qkv_bias));
    specs.push_back(LinearSpec({attention + "v_proj"}, {keys}, c.hidden_size, c.qkv_bias));
  }
  specs.push_back(LinearSpec({attention + "o_proj"}, {c.hidden_size}, queries, c.output_bias));
}

void AddFeedForward(const ModelConfig& c, const std::string& mlp, std::vector<WeightSpec>& specs) {
  const int inner = c.intermediate_size;
  if (c.fused_matrices) {
    specs.push_back(SliceSpec(mlp + "gate_up_proj", 0, inner, 2 * inner, c.hidden_size, c.mlp_bias));
    specs.push_back(SliceSpec(mlp + "gate_up_proj", inner, inner, 2 * inner, c.hidden_size, c.mlp_bias));
  } else {
    specs.push_back(LinearSpec({mlp + "gate_proj"}, {inner}, c.hidden_size, c.mlp_bias));
    specs.push_back(LinearSpec({mlp + "up_proj"}, {inner}, c.hidden_size, c.mlp_bias));
  }
  specs.push_back(LinearSpec({mlp + "down_proj"}, {c.hidden_size}, inner, c.mlp_bias));
}

/** Hands out loaded weights in the order of Decoder::Weights. */
class WeightQueue {
 public:
  explicit WeightQueue(std::vector<LoadedWeight> weights) : weights_(std::move(weights)) {}
  std::unique_ptr<Linear> NextLinear() { return std::move(weights_.at(next_++).linear); }
  std::unique_ptr<Norm> NextNorm() { return std::move(weights_.at(next_++).norm); }

 private:
  std::vector<LoadedWeight> weights_;
  size_t next_ = 0;
};

}  // namespace

std::vector<WeightSpec> Decoder::Weights(const ModelConfig& c) {
  std::vector<WeightSpec> specs{LinearSpec({"model.embed_tokens"}, {c.vocab_size}, c.hidden_size, false)};
  for (int i = 0; i < c.num_layers; ++i) {
    const std::string layer = "model.layers." + std::to_string(i) + ".";
    AddNorms(c, layer, specs);
    AddAttention(c, layer + "self_attn.", specs);
    AddFeedForward(c, layer + "mlp.", specs);
    if (c.query_key_norm) {
      const int dim = c.head_dim;
      specs.push_back(NormSpec(layer + "self_attn.q_norm", c.joint_query_key_norm ? c.num_heads * dim : dim));
      specs.push_back(NormSpec(layer + "self_attn.k_norm", c.joint_query_key_norm ? c.num_kv_heads * dim : dim));
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
  if (!config.windows.empty()) {
    window_rope_ = ops.PrepareRope(MakeRopeTable(config.window_rope, config.head_dim), config.head_dim);
  }
  for (int i = 0; i < config.num_layers; ++i) {
    const int window = config.windows.empty() ? 0 : config.windows[size_t(i)];
    const bool rotated = config.rotated.empty() || config.rotated[size_t(i)];
    const Rope* rope = window > 0 ? window_rope_.get() : rope_.get();
    std::unique_ptr<Norm> attention_norm, feed_forward_norm, attention_output_norm, feed_forward_output_norm;
    if (config.input_norms) {
      attention_norm = queue.NextNorm();
      feed_forward_norm = queue.NextNorm();
    }
    if (config.output_norms) {
      attention_output_norm = queue.NextNorm();
      feed_forward_output_norm = queue.NextNorm();
    }
    Layer layer{.attention = {.norm = std::move(attention_norm),
                              .output_norm = std::move(attention_output_norm),
                              .query_key = queue.NextLinear(),
                              .value = queue.NextLinear(),
                              .output = queue.NextLinear(),
                              .query_norm = nullptr,
                              .key_norm = nullptr,
                              .rope = rotated ? rope : nullptr,
                              .heads = config.num_heads,
                              .kv_heads = config.num_kv_heads,
                              .head_dim = config.head_dim,
                              .window = window,
                              .index = i,
                              .norm_eps = config.norm_eps,
                              .scale = config.query_scale,
                              .joint_norms = config.joint_query_key_norm,
                              .residual_scale = config.residual_scale,
                              .position_scale = {config.position_scale_beta, config.position_scale_tokens}},
                .feed_forward = {.norm = std::move(feed_forward_norm),
                                 .output_norm = std::move(feed_forward_output_norm),
                                 .gate = queue.NextLinear(),
                                 .up = queue.NextLinear(),
                                 .down = queue.NextLinear(),
                                 .activation = config.activation,
                                 .norm_eps = config.norm_eps,
                                 .residual_scale = config.residual_scale}};
    if (config.query_key_norm) {
      layer.attention.query_norm = queue.NextNorm();
      layer.attention.key_norm = queue.NextNorm();
    }
    layers_.push_back(std::move(layer));
  }
  norm_ = queue.NextNorm();
  if (!config.tied_head) head_ = queue.NextLinear();
}

Tensor Decoder::Forward(const Ops& ops, const StepRows& rows, const Slabs& slabs, Slabs& next) const {
  Tensor x = ops.Embed(*embedding_, config_.embedding_scale, rows);
  for (size_t i = 0; i < layers_.size(); ++i) {
    Attended attended = ops.Attend(layers_[i].attention, rows, std::move(x), slabs.k[i], slabs.v[i]);
    next.k.push_back(std::move(attended.k_slab));
    next.v.push_back(std::move(attended.v_slab));
    x = ops.FeedForward(layers_[i].feed_forward, std::move(attended.x));
  }
  return x;
}

uint64_t Decoder::step_weight_bytes() const {
  uint64_t bytes = output().linear->bytes();
  for (const Layer& layer : layers_) {
    for (const auto* linear : {&layer.attention.query_key, &layer.attention.value, &layer.attention.output,
                               &layer.feed_forward.gate, &layer.feed_forward.up, &layer.feed_forward.down}) {
      bytes += (*linear)->bytes();
    }
  }
  return bytes;
}

OutputLayer Decoder::output() const { return {norm_.get(), head_ ? head_.get() : embedding_.get(), config_.norm_eps, config_.logit_divisor}; }

}  // namespace resident
