#include <algorithm>
#include <limits>

#include "core/config_fields.h"
#include "core/config_parts.h"

namespace resident::config {
namespace {

const char* const kOriginal = "original_max_position_embeddings";

double RequiredFactor(const json::Value& scaling) {
  if (Member(scaling, "factor") == nullptr) Corrupt("rope_scaling has no factor");
  return Positive(scaling, "factor", 1);
}

void ParseLlama3(const json::Value& scaling, RopeConfig& rope) {
  rope.kind = RopeConfig::Kind::kLlama3;
  rope.factor = RequiredFactor(scaling);
  rope.low_freq_factor = Positive(scaling, "low_freq_factor", 1);
  rope.high_freq_factor = Positive(scaling, "high_freq_factor", 4);
  rope.original_context_tokens = Integer(scaling, kOriginal, 1).value_or(8192);
  if (rope.high_freq_factor == rope.low_freq_factor) Corrupt("rope_scaling's frequency factors are equal");
}

void ParseYarn(const json::Value& scaling, RopeConfig& rope) {
  rope.kind = RopeConfig::Kind::kYarn;
  rope.factor = RequiredFactor(scaling);
  rope.original_context_tokens = Integer(scaling, kOriginal, 1).value_or(4096);
  rope.beta_fast = Positive(scaling, "beta_fast", 32);
  rope.beta_slow = Positive(scaling, "beta_slow", 1);
  rope.mscale = Number(scaling, "mscale").value_or(1);
  rope.mscale_all_dim = Number(scaling, "mscale_all_dim").value_or(0);
}

/** As mlx_lm: the long factors hold for all lengths, so that what is in a cache stays right when it grows. */
void ParseLongRope(const json::Value& text, const json::Value& scaling, int default_context, RopeConfig& rope) {
  rope.kind = RopeConfig::Kind::kLongRope;
  rope.original_context_tokens = Integer(scaling, kOriginal, 2).value_or(Integer(text, kOriginal, 2).value_or(4096));
  rope.extension =
      double(RequiredInteger(text, "max_position_embeddings", default_context)) / rope.original_context_tokens;
  const json::Array* factors = List(scaling, "long_factor");
  if (factors == nullptr) Corrupt("rope_scaling has no long_factor");
  for (const json::Value& factor : *factors) {
    rope.long_factors.push_back(NumberOf(factor, "long_factor"));
    if (!(rope.long_factors.back() > 0)) Corrupt("long_factor has a member that is not above 0");
  }
}

}  // namespace

const json::Value* RopeParameters(const json::Value& text, const char* layer_type) {
  const json::Value* parameters = Member(text, "rope_parameters");
  if (parameters == nullptr) return nullptr;
  const json::Value* own = Member(*parameters, layer_type);
  return own == nullptr ? parameters : own;
}

RopeConfig ParseRope(const json::Value& text, const Family& family) {
  RopeConfig rope;
  const json::Value* parameters = RopeParameters(text, "full_attention");
  const double theta = family.default_rope_theta;
  rope.theta = Positive(text, "rope_theta", parameters ? Positive(*parameters, "rope_theta", theta) : theta);
  rope.traditional = Flag(text, "rope_traditional", false);
  rope.rotated_part = Number(text, "partial_rotary_factor").value_or(1);
  const json::Value* scaling = Member(text, "rope_scaling");
  if (scaling == nullptr) scaling = parameters;
  if (scaling == nullptr) return rope;
  if (scaling->AsObject() == nullptr) Corrupt("rope_scaling is no object");
  rope.rotated_part = Number(*scaling, "partial_rotary_factor").value_or(rope.rotated_part);
  const std::string type = Text(*scaling, "type").value_or(Text(*scaling, "rope_type").value_or("default"));
  if (type == "linear") {
    rope.kind = RopeConfig::Kind::kLinear;
    rope.factor = RequiredFactor(*scaling);
  } else if (type == "llama3") {
    ParseLlama3(*scaling, rope);
  } else if (type == "yarn") {
    ParseYarn(*scaling, rope);
  } else if (type == "longrope" || type == "su") {
    ParseLongRope(text, *scaling, family.sizes.context_tokens, rope);
  } else if (type == "proportional") {
    rope.kind = RopeConfig::Kind::kProportional;
    rope.factor = Positive(*scaling, "factor", 1);
  } else if (type == "dynamic") {
    RequiredFactor(*scaling);  // it changes what is beyond the context, where we stop
  } else if (type != "default" && type != "mrope") {  // of text, mrope's three positions are the same
    Unsupported("rope_scaling type " + type);
  }
  return rope;
}

void ParsePositionScale(const json::Value& text, ModelConfig& config) {
  const json::Value* parameters = RopeParameters(text, "full_attention");
  if (parameters == nullptr) return;
  const double beta = Number(*parameters, "llama_4_scaling_beta").value_or(0);
  if (beta == 0) return;
  config.position_scale_beta = float(std::clamp(beta, -1e30, 1e30));
  config.position_scale_tokens = RequiredInteger(*parameters, kOriginal);
}

void ParseUnrotatedLayers(const json::Value& text, const Family& family, ModelConfig& config) {
  if (family.unrotated_interval == 0) return;
  if (const json::Array* layers = List(text, "no_rope_layers")) {
    for (const json::Value& layer : *layers) config.rotated.push_back(NumberOf(layer, "no_rope_layers") != 0);
    if (int(config.rotated.size()) != config.num_layers) Corrupt("no_rope_layers does not list all layers");
    return;
  }
  const int interval = Integer(text, "no_rope_layer_interval", 1).value_or(family.unrotated_interval);
  for (int i = 0; i < config.num_layers; ++i) config.rotated.push_back((i + 1) % interval != 0);
}

}  // namespace resident::config
