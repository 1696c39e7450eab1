#include <cstdio>

#include "core/config.h"
#include "core/json.h"

namespace resident {
namespace {

std::string Shortest(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

std::string Named(const char* key, double value) { return "," + json::Quote(key) + ":" + Shortest(value); }

std::string Named(const char* key, bool value) { return "," + json::Quote(key) + (value ? ":true" : ":false"); }

/** Nothing for models without windows: their caches are named as before there were any. */
std::string WindowsId(const ModelConfig& config) {
  if (config.windows.empty()) return "";
  std::string id = Named("query_scale", double(config.query_scale)) +
                   Named("window_theta", config.window_rope.theta) + ",\"windows\":[";
  for (const int window : config.windows) id += std::to_string(window) + ",";
  id.back() = ']';
  return id;
}

/** What few models have; nothing for others, for the same reason. */
std::string RaritiesId(const ModelConfig& config) {
  std::string id;
  const RopeConfig& rope = config.rope;
  if (rope.rotated_part != 1) id += Named("rotated_part", rope.rotated_part);
  if (rope.extension != 1) id += Named("extension", rope.extension);
  for (const double factor : rope.long_factors) id += Named("long_factor", factor);
  if (config.residual_scale != 1 || config.logit_divisor != 1) {
    id += Named("embedding_scale", double(config.embedding_scale)) +
          Named("residual_scale", double(config.residual_scale)) + Named("query_scale", double(config.query_scale));
  }
  if (config.position_scale_beta != 0) {
    id += Named("position_scale_beta", double(config.position_scale_beta)) +
          Named("position_scale_tokens", double(config.position_scale_tokens));
  }
  if (!config.input_norms) id += Named("input_norms", false);
  if (config.joint_query_key_norm) id += Named("joint_query_key_norm", true);
  if (!config.windows.empty() && config.window_rope.kind != RopeConfig::Kind::kNone) id += Named("window_scaling", true);
  for (size_t i = 0; i < config.rotated.size(); ++i) {
    if (!config.rotated[i]) id += Named("unrotated", double(i));
  }
  return id;
}

}  // namespace

std::string ModelConfig::ArchitectureId(DataType kv_dtype) const {
  static constexpr const char* kRopeKinds[] = {"none", "linear", "llama3", "yarn", "longrope", "proportional"};
  return "{\"architecture\":" + json::Quote(architecture) + Named("hidden_size", double(hidden_size)) +
         Named("intermediate_size", double(intermediate_size)) + Named("num_layers", double(num_layers)) +
         Named("num_heads", double(num_heads)) + Named("num_kv_heads", double(num_kv_heads)) +
         Named("head_dim", double(head_dim)) + Named("norm_eps", double(norm_eps)) + Named("qkv_bias", qkv_bias) +
         Named("output_bias", output_bias) + Named("mlp_bias", mlp_bias) + Named("query_key_norm", query_key_norm) +
         ",\"rope\":" + json::Quote(kRopeKinds[int(rope.kind)]) + Named("theta", rope.theta) +
         Named("traditional", rope.traditional) + Named("factor", rope.factor) +
         Named("original_context_tokens", double(rope.original_context_tokens)) +
         Named("low_freq_factor", rope.low_freq_factor) + Named("high_freq_factor", rope.high_freq_factor) +
         Named("beta_fast", rope.beta_fast) + Named("beta_slow", rope.beta_slow) + Named("mscale", rope.mscale) +
         Named("mscale_all_dim", rope.mscale_all_dim) + WindowsId(*this) + RaritiesId(*this) +
         ",\"kv_dtype\":" + json::Quote(SafetensorsName(kv_dtype)) + "}";
}

}  // namespace resident
