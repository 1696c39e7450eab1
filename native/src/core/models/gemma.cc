#include "core/models/families.h"

namespace resident {

/**
 * Gemma 3, the text model: five of six layers see a window and turn with a RoPE of their own, norms stand on both sides
 * of attention and feed-forward, and heads' q and k are normalised. The config may leave out what all sizes share.
 */
const Family kGemma3{
    .model_type = "gemma3_text",
    .default_rope_theta = 1000000,
    .qkv_bias = false,
    .output_bias = false,
    .mlp_bias = false,
    .query_key_norm = true,
    .activation = Activation::kGeluTanh,
    .activation_name = "gelu_pytorch_tanh",
    .output_norms = true,
    .norms_around_one = true,
    .scaled_embedding = true,
    .files_decide_head = true,
    .query_scale_dim = 256,
    .sizes = {.heads = 8, .kv_heads = 4, .vocabulary = 262208, .context_tokens = 131072, .head_dim = 256},
    .windowed = WindowedLayers{.tokens = 512, .pattern = 6, .rope_theta = 10000},
};

}  // namespace resident
