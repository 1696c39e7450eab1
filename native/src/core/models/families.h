#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/config.h"

namespace resident {

/** Layers that see a window of tokens, and the defaults of what the config says about them. */
struct WindowedLayers {
  int tokens;
  int pattern;  // every so-manieth layer sees all tokens
  double rope_theta;
};

/**
 * What tells a family of decoders from the others. All of them are pre-norm transformers with grouped-query attention,
 * RoPE and a gated feed-forward (models/decoder.h); an empty flag is read from config.json.
 */
struct Family {
  std::string_view model_type;    // as config.json says it
  std::string_view architecture;  // as we report it
  double default_rope_theta;
  std::optional<bool> qkv_bias, output_bias, mlp_bias;
  bool query_key_norm;
  Activation activation = Activation::kSilu;
  std::string_view activation_name = "silu";  // as config.json says it
  bool output_norms = false;
  bool norms_around_one = false;
  /** Embedding rows are multiplied by the root of their width. */
  bool scaled_embedding = false;
  /** The head is tied unless the files have one. */
  bool files_decide_head = false;
  /** The head's size that queries are scaled by, where the config does not say another; 0: the head's own. */
  int query_scale_dim = 0;
  int head_dim = 0;  // default; 0: hidden size / heads
  std::optional<WindowedLayers> windowed = std::nullopt;
};

extern const Family kLlama;
extern const Family kMistral;
extern const Family kQwen2;
extern const Family kQwen3;
extern const Family kGemma3;

/** The family of a `model_type`, or nullptr. */
const Family* FindFamily(std::string_view model_type);

}  // namespace resident
