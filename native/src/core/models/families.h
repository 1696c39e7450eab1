#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/config.h"

namespace resident {

/** Layers that see a window of tokens, and the defaults of what the config says about them. */
struct WindowedLayers {
  int tokens;
  int pattern;                       // every `pattern`-th layer sees all tokens
  std::optional<double> rope_theta;  // of layers with a window; empty: that of the others, without their scaling
};

/** Sizes that a config may leave out; 0: it must say them. */
struct DefaultSizes {
  int heads = 0, kv_heads = 0, vocabulary = 0, context_tokens = 0;
  int head_dim = 0;  // 0: hidden size / heads
};

/**
 * What tells a family of decoders from the others. All of them are transformers with grouped-query attention, RoPE and
 * a gated feed-forward (models/decoder.h); an empty flag is read from config.json.
 */
struct Family {
  std::string_view model_type;  // as config.json says it, and we report it
  double default_rope_theta = 10000;
  std::optional<bool> qkv_bias = std::nullopt, output_bias = std::nullopt, mlp_bias = std::nullopt;
  std::string_view output_bias_key = "attention_bias";
  bool query_key_norm = false;
  bool joint_query_key_norm = false;
  Activation activation = Activation::kSilu;
  std::string_view activation_name = "silu";  // as config.json says it
  bool input_norms = true;
  bool output_norms = false;
  bool norms_around_one = false;
  bool fused_matrices = false;
  /** Embedding rows are multiplied by the root of their width. */
  bool scaled_embedding = false;
  /** The config has multipliers of embeddings, attention, residuals and logits. */
  bool multipliers = false;
  /** The head is tied unless the files have one, whatever the config says. */
  bool files_decide_head = false;
  /** Without layer_types, `sliding_window` holds for all layers. */
  bool windows_by_default = false;
  /** Every `unrotated_interval`-th layer has no RoPE, unless the config lists the layers; 0: all have RoPE. */
  int unrotated_interval = 0;
  /** The head's size that queries are scaled by, where the config does not say another; 0: the head's own. */
  int query_scale_dim = 0;
  DefaultSizes sizes = {};
  std::optional<WindowedLayers> windowed = std::nullopt;
};

/** A checkpoint of several parts: its text part, `text_config`, is a model of a family. */
struct Wrapper {
  std::string_view model_type;
  std::string_view text_type;  // where text_config does not say it
};

extern const Family kLlama;
extern const Family kMistral;
extern const Family kQwen2;
extern const Family kQwen3;
extern const Family kGemma3;

extern const Family kMinistral3;
extern const Family kSmolLm3;
extern const Family kPhi3;
extern const Family kGranite;
extern const Family kOlmo2;
extern const Family kOlmo3;
extern const Family kSeedOss;

/** The family of a `model_type`, or nullptr. */
const Family* FindFamily(std::string_view model_type);
const Wrapper* FindWrapper(std::string_view model_type);
/** What a family that we do not compute needs, by its `model_type`; empty where we know nothing of it. */
std::string_view MissingParts(std::string_view model_type);

}  // namespace resident
