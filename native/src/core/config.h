#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/dtype.h"

namespace resident {

/** Affine quantisation of one matrix: `bits` a weight, one scale and one bias for `group_size` weights of a row. */
struct Quantization {
  int group_size = 0;
  int bits = 0;
  bool operator==(const Quantization&) const = default;
};

/** How positions become rotations. `kind` none: plain RoPE with `theta`. */
struct RopeConfig {
  enum class Kind { kNone, kLinear, kLlama3, kYarn };
  Kind kind = Kind::kNone;
  double theta = 10000;
  bool traditional = false;  // pairs are neighbours instead of halves
  double factor = 1;
  int original_context_tokens = 0;
  double low_freq_factor = 1, high_freq_factor = 4;  // llama3
  double beta_fast = 32, beta_slow = 1;              // yarn
  double mscale = 1, mscale_all_dim = 0;             // yarn
};

enum class Activation { kSilu, kGeluTanh };

/** What config.json says, checked, with the defaults that mlx_lm uses for the family. */
struct ModelConfig {
  std::string architecture;  // llama, mistral, qwen2, qwen3, gemma3_text
  int hidden_size = 0;
  int intermediate_size = 0;
  int num_layers = 0;
  int num_heads = 0;
  int num_kv_heads = 0;
  int head_dim = 0;
  int vocab_size = 0;
  int max_context_tokens = 0;
  float norm_eps = 1e-5f;
  /** Queries are multiplied by this. */
  float query_scale = 1;
  RopeConfig rope;
  /** Of layers with a window. */
  RopeConfig window_rope;
  /** Tokens that a layer's rows see, their own included; by layer, 0: all. */
  std::vector<int> windows;
  bool tied_head = true;
  /** Whatever the config says: the head is tied unless the files have one. */
  bool files_decide_head = false;
  // What tells the families apart.
  bool qkv_bias = false;
  bool output_bias = false;
  bool mlp_bias = false;
  bool query_key_norm = false;
  /** Attention and feed-forward have a norm behind them too. */
  bool output_norms = false;
  /** A norm's weight is stored as what it differs from 1 by. */
  bool norms_around_one = false;
  Activation activation = Activation::kSilu;
  /** Embedding rows are multiplied by this. */
  float embedding_scale = 1;
  // Quantisation: a default, and matrices (by module path) that differ; nullopt = not quantised.
  std::optional<Quantization> quantization;
  std::map<std::string, std::optional<Quantization>> quantization_overrides;

  std::optional<Quantization> QuantizationOf(const std::string& module) const;
  uint64_t KvBytesPerToken(DataType kv_dtype) const {
    return uint64_t(2) * uint64_t(num_layers) * uint64_t(num_kv_heads) * uint64_t(head_dim) * SizeOf(kv_dtype);
  }
  /** Canonical JSON of everything that changes K and V. */
  std::string ArchitectureId(DataType kv_dtype) const;
};

/** Throws MODEL_CORRUPT for what cannot be read and MODEL_UNSUPPORTED, naming it, for what we do not compute. */
ModelConfig ParseModelConfig(const std::string& config_json);

}  // namespace resident
