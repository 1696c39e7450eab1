#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/pool_geometry.h"
#include "core/quantization.h"

namespace resident {

/** How positions become rotations. `kind` none: plain RoPE with `theta`. */
struct RopeConfig {
  enum class Kind { kNone, kLinear, kLlama3, kYarn, kLongRope, kProportional };
  Kind kind = Kind::kNone;
  double theta = 10000;
  bool traditional = false;  // pairs are neighbours instead of halves
  double rotated_part = 1;   // of a head's dimensions, the first ones
  double factor = 1;
  int original_context_tokens = 0;
  double low_freq_factor = 1, high_freq_factor = 4;  // llama3
  double beta_fast = 32, beta_slow = 1;              // yarn
  double mscale = 1, mscale_all_dim = 0;             // yarn
  std::vector<double> long_factors = {};             // longrope: of each pair of dimensions
  double extension = 1;                              // longrope: the context divided by the original one

  int RotatedDims(int head_dim) const;
};

enum class Activation { kSilu, kGeluTanh };

/** What config.json says, checked, with the defaults that mlx_lm uses for the family. */
struct ModelConfig {
  std::string architecture;  // a family's name
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
  /** Tokens that a layer's rows see, their own included; by layer, 0: all. Empty: all layers see all. */
  std::vector<int> windows;
  /** By layer, whether its queries and keys are rotated. Empty: all are. */
  std::vector<bool> rotated;
  bool tied_head = true;
  /** The head is tied unless the files have one. */
  bool files_decide_head = false;
  // What tells the families apart.
  bool qkv_bias = false;
  bool output_bias = false;
  bool mlp_bias = false;
  bool query_key_norm = false;
  /** The norm of q and k goes over all heads together. */
  bool joint_query_key_norm = false;
  /** Attention and feed-forward have a norm in front of them, and behind them. */
  bool input_norms = true;
  bool output_norms = false;
  /** q, k and v are stored as one matrix, and so are gate and up. */
  bool fused_matrices = false;
  /** A norm's weight is stored as what it differs from 1 by. */
  bool norms_around_one = false;
  Activation activation = Activation::kSilu;
  /** Embedding rows are multiplied by this. */
  float embedding_scale = 1;
  /** What attention and feed-forward add to a row is multiplied by this. */
  float residual_scale = 1;
  float logit_divisor = 1;
  /** Queries are multiplied by 1 + beta ln(1 + ⌊position / tokens⌋). */
  float position_scale_beta = 0;
  int position_scale_tokens = 0;
  /** Of matrices (by module path, as the config names them) whose format the config says. */
  std::map<std::string, Quantization> quantizations;

  uint64_t KvBytesPerToken(DataType kv_dtype) const {
    return uint64_t(2) * uint64_t(num_layers) * uint64_t(num_kv_heads) * HeadBytes(kv_dtype, head_dim);
  }
  /** Canonical JSON of everything that changes K and V. */
  std::string ArchitectureId(DataType kv_dtype) const;
};

/**
 * Throws MODEL_CORRUPT for what cannot be read, and MODEL_UNSUPPORTED for what we do not compute, with its name and the
 * family's. src/models/modelFacts.ts judges alike.
 */
ModelConfig ParseModelConfig(const std::string& config_json);

}  // namespace resident
