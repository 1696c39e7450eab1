#include "core/models/families.h"

namespace resident {

/** Llama 1 to 3 and what copies them (SmolLM2 …). Biases are rare and announced by the config. */
const Family kLlama{.model_type = "llama"};

/** Mistral 7B and later dense ones: Llama with, in the first version, a window that all layers see. */
const Family kMistral{.model_type = "mistral", .windows_by_default = true};

/** Ministral 3 and Devstral 2: Mistral whose queries grow with the position, as in Llama 4. */
const Family kMinistral3{.model_type = "ministral3", .qkv_bias = false, .output_bias = false, .mlp_bias = false};

/** SmolLM3: Llama without RoPE in every fourth layer. */
const Family kSmolLm3{.model_type = "smollm3", .unrotated_interval = 4};

/** Phi 3 and 4: Llama whose matrices with the same inputs are stored as one. */
const Family kPhi3{
    .model_type = "phi3",
    .qkv_bias = false,
    .output_bias = false,
    .mlp_bias = false,
    .fused_matrices = true,
    .windows_by_default = true,
    .sizes = {.context_tokens = 131072},
};

/** Granite 3: Llama with multipliers. */
const Family kGranite{.model_type = "granite", .multipliers = true};

/** OLMo 2: norms stand behind attention and feed-forward only, and those of q and k go over all heads. */
const Family kOlmo2{
    .model_type = "olmo2",
    .mlp_bias = false,
    .query_key_norm = true,
    .joint_query_key_norm = true,
    .input_norms = false,
    .output_norms = true,
};

/** OLMo 3: OLMo 2 with windows in three of four layers, whose RoPE is not scaled. */
const Family kOlmo3{
    .model_type = "olmo3",
    .default_rope_theta = 500000,
    .mlp_bias = false,
    .query_key_norm = true,
    .joint_query_key_norm = true,
    .input_norms = false,
    .output_norms = true,
    .windowed = WindowedLayers{.tokens = 4096, .pattern = 4, .rope_theta = std::nullopt},
};

/** Seed-OSS: Llama with biases that the config announces one by one. */
const Family kSeedOss{.model_type = "seed_oss", .output_bias_key = "attention_out_bias"};

}  // namespace resident
