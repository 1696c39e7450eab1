#include "core/models/families.h"

namespace resident {

/** Qwen 2 and 2.5: q, k and v always have biases, the other matrices never. */
const Family kQwen2{
    .model_type = "qwen2",
    .default_rope_theta = 1000000,
    .qkv_bias = true,
    .output_bias = false,
    .mlp_bias = false,
};

/** Qwen 3: no biases, but every head's q and k go through an RMS norm before RoPE. */
const Family kQwen3{
    .model_type = "qwen3",
    .default_rope_theta = 1000000,
    .qkv_bias = false,
    .output_bias = false,
    .mlp_bias = false,
    .query_key_norm = true,
};

}  // namespace resident
