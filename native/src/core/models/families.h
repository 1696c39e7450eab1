#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace resident {

/**
 * What tells a family of decoders from the others. All of them are pre-norm transformers with grouped-query attention,
 * RoPE and a gated SiLU feed-forward (models/decoder.h); an empty flag is read from config.json.
 */
struct Family {
  std::string_view model_type;    // as config.json says it
  std::string_view architecture;  // as we report it
  double default_rope_theta;
  std::optional<bool> qkv_bias, output_bias, mlp_bias;
  bool query_key_norm;
};

extern const Family kLlama;
extern const Family kMistral;
extern const Family kQwen2;
extern const Family kQwen3;

/** The family of a `model_type`, or nullptr. */
const Family* FindFamily(std::string_view model_type);

}  // namespace resident
