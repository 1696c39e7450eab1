#include "core/models/families.h"

#include <array>
#include <map>

namespace resident {
namespace {

constexpr std::array<Wrapper, 2> kWrappers{{{"gemma3", "gemma3_text"}, {"mistral3", "mistral"}}};

}  // namespace

const Family* FindFamily(std::string_view model_type) {
  for (const Family* family : {&kLlama, &kMistral, &kMinistral3, &kQwen2, &kQwen3, &kGemma3, &kSmolLm3, &kPhi3,
                               &kGranite, &kOlmo2, &kOlmo3, &kSeedOss}) {
    if (family->model_type == model_type) return family;
  }
  return nullptr;
}

const Wrapper* FindWrapper(std::string_view model_type) {
  for (const Wrapper& wrapper : kWrappers) {
    if (wrapper.model_type == model_type) return &wrapper;
  }
  return nullptr;
}

std::string_view MissingParts(std::string_view model_type) {
  static const std::map<std::string_view, std::string_view> kMissing{
    {"qwen3_5", "state layers"},
    {"qwen3_5_text", "state layers"},
    {"qwen3_next", "state layers and experts"},
    {"qwen3_5_moe", "state layers and experts"},
    {"qwen3_5_moe_text", "state layers and experts"},
    {"kimi_linear", "state layers and latent attention"},
    {"lfm2", "state layers"},
    {"lfm2_moe", "state layers and experts"},
    {"mamba", "state layers"},
    {"mamba2", "state layers"},
    {"rwkv7", "state layers"},
    {"falcon_h1", "state layers"},
    {"jamba", "state layers and experts"},
    {"nemotron_h", "state layers and experts"},
    {"granitemoehybrid", "state layers and experts"},
    {"qwen2_moe", "experts"},
    {"qwen3_moe", "experts"},
    {"qwen3_vl_moe", "experts"},
    {"mixtral", "experts"},
    {"phimoe", "experts"},
    {"granitemoe", "experts"},
    {"glm4_moe", "experts"},
    {"minimax", "experts"},
    {"minimax_m2", "experts"},
    {"ernie4_5_moe", "experts"},
    {"llama4", "experts"},
    {"olmoe", "experts"},
    {"gpt_oss", "experts and attention sinks"},
    {"glm4_moe_lite", "latent attention and experts"},
    {"deepseek_v2", "latent attention and experts"},
    {"deepseek_v3", "latent attention and experts"},
    {"deepseek_v32", "latent attention and experts"},
    {"kimi_k2", "latent attention and experts"},
    {"mistral4", "latent attention and experts"},
    {"gemma4", "heads of two sizes and layers that share K and V"},
    {"gemma4_text", "heads of two sizes and layers that share K and V"},
    {"gemma4_unified", "heads of two sizes and layers that share K and V"},
    {"gemma3n", "layers that share K and V, and embeddings of each layer"},
    {"gemma2", "soft-capping"},
    {"muse_glimmer", "gated attention outputs"},
    {"mllama", "an image tower that its text needs"},
  };
  const auto found = kMissing.find(model_type);
  return found == kMissing.end() ? "" : found->second;
}

}  // namespace resident
