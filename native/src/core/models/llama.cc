#include "core/models/families.h"

namespace resident {

/** Llama 1 to 3 and what copies them (SmolLM2 …). Biases are rare and announced by the config. */
const Family kLlama{
    .model_type = "llama",
    .architecture = "llama",
    .default_rope_theta = 10000,
    .qkv_bias = std::nullopt,
    .output_bias = std::nullopt,
    .mlp_bias = std::nullopt,
    .query_key_norm = false,
};

/** Mistral 7B and later dense ones: Llama with, in the first version, a sliding window (which is refused). */
const Family kMistral{
    .model_type = "mistral",
    .architecture = "mistral",
    .default_rope_theta = 10000,
    .qkv_bias = std::nullopt,
    .output_bias = std::nullopt,
    .mlp_bias = std::nullopt,
    .query_key_norm = false,
};

}  // namespace resident
