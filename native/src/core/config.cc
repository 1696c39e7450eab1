#include "core/config.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "core/config_fields.h"
#include "core/config_parts.h"
#include "core/error.h"

namespace resident {
namespace config {
namespace {

/** Converting a larger number to f32 is undefined. */
constexpr double kLargestFloat = std::numeric_limits<float>::max();

/** The family, and the object that describes its decoder. */
struct Described {
  const Family* family;
  const json::Value* text;
};

Described FindText(const json::Value& document, std::string type) {
  const json::Value* text = &document;
  if (const Wrapper* wrapper = FindWrapper(type)) {
    text = Member(document, "text_config");
    if (text == nullptr || text->AsObject() == nullptr) Corrupt("text_config is no object");
    type = Text(*text, "model_type").value_or(std::string(wrapper->text_type));
  }
  const Family* family = FindFamily(type);
  if (family == nullptr) throw NotComputed{"model_type " + type, std::string(MissingParts(type))};
  return {family, text};
}

void RefuseWhatIsNotComputed(const json::Value& text, const Family& family) {
  for (const char* key : {"hidden_act", "hidden_activation"}) {
    const std::optional<std::string> activation = Text(text, key);
    if (activation && *activation != family.activation_name) Unsupported(std::string(key) + " " + *activation);
  }
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    if (Member(text, key) != nullptr) Unsupported(key);
  }
  if (Flag(text, "use_bidirectional_attention", false)) Unsupported("use_bidirectional_attention");
}

void ParseSizes(const json::Value& document, const json::Value& text, const Family& family, ModelConfig& config) {
  const DefaultSizes& sizes = family.sizes;
  config.hidden_size = RequiredInteger(text, "hidden_size");
  config.intermediate_size = RequiredInteger(text, "intermediate_size");
  config.num_layers = RequiredInteger(text, "num_hidden_layers");
  config.num_heads = RequiredInteger(text, "num_attention_heads", sizes.heads);
  config.num_kv_heads =
      Integer(text, "num_key_value_heads", 1).value_or(sizes.kv_heads == 0 ? config.num_heads : sizes.kv_heads);
  const int vocabulary = Integer(document, "vocab_size", 1).value_or(sizes.vocabulary);
  config.vocab_size = RequiredInteger(text, "vocab_size", vocabulary);
  const std::optional<int> head_dim = Integer(text, "head_dim", 2);
  if (!head_dim && sizes.head_dim == 0 && config.hidden_size % config.num_heads != 0)
    Corrupt("hidden_size is no multiple of num_attention_heads");
  config.head_dim = head_dim.value_or(sizes.head_dim == 0 ? config.hidden_size / config.num_heads : sizes.head_dim);
  config.norm_eps = float(std::min(Positive(text, "rms_norm_eps", 1e-6), kLargestFloat));
  config.max_context_tokens = RequiredInteger(text, "max_position_embeddings", sizes.context_tokens);
}

void CheckSizes(const ModelConfig& config) {
  if (config.num_heads % config.num_kv_heads != 0) Corrupt("num_attention_heads is no multiple of num_key_value_heads");
  if (config.head_dim % 2 != 0) Corrupt("head_dim is odd");
  const int64_t largest = std::max({int64_t(config.vocab_size), int64_t(config.intermediate_size),
                                    (int64_t(config.num_heads) + config.num_kv_heads) * config.head_dim});
  if (config.num_layers > 1000 || config.hidden_size > (1 << 20) || largest > (1 << 24) || config.norm_eps > 1) {
    Corrupt("its sizes are not plausible");
  }
}

void CheckRope(const RopeConfig& rope, int head_dim) {
  if (!(rope.rotated_part > 0 && rope.rotated_part <= 1)) Corrupt("partial_rotary_factor is out of range");
  const int rotated = rope.RotatedDims(head_dim);
  if (rotated < 2 || rotated % 2 != 0) Corrupt("partial_rotary_factor does not rotate pairs");
  const bool is_long = rope.kind == RopeConfig::Kind::kLongRope;
  if (is_long && int(rope.long_factors.size()) != rotated / 2) Corrupt("long_factor is not of a head's size");
}

/** To the nearest bf16, ties to even. */
float RoundToBrain(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  return std::bit_cast<float>((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u);
}

void ParseMultipliers(const json::Value& text, const Family& family, ModelConfig& config) {
  const double scale_dim = family.query_scale_dim == 0
                               ? config.head_dim
                               : Positive(text, "query_pre_attn_scalar", family.query_scale_dim);
  config.query_scale = 1.f / std::sqrt(float(std::min(scale_dim, kLargestFloat)));
  // As mlx_lm, which keeps the factor in bf16 whatever it is multiplied with.
  if (family.scaled_embedding) config.embedding_scale = RoundToBrain(float(std::sqrt(double(config.hidden_size))));
  if (!family.multipliers) return;
  const auto multiplier = [&](const char* key) {
    if (Member(text, key) == nullptr) Corrupt(std::string(key) + " is missing");
    return float(std::min(Positive(text, key, 1), kLargestFloat));
  };
  config.embedding_scale = multiplier("embedding_multiplier");
  config.query_scale = multiplier("attention_multiplier");
  config.residual_scale = multiplier("residual_multiplier");
  config.logit_divisor = multiplier("logits_scaling");
}

void ParseRopeAndContext(const json::Value& text, const Family& family, ModelConfig& config) {
  config.rope = ParseRope(text, family);
  CheckRope(config.rope, config.head_dim);
  if (config.rope.kind == RopeConfig::Kind::kYarn) {  // configs of both habits exist: before and after the scaling
    const double scaled = config.rope.original_context_tokens * config.rope.factor;
    config.max_context_tokens = std::max(config.max_context_tokens, int(std::min(scaled, double(1 << 30))));
  }
  ParsePositionScale(text, config);
  ParseUnrotatedLayers(text, family, config);
  ParseWindows(text, family, config);
}

ModelConfig ParseDescribed(const json::Value& document, const Described& described) {
  const auto& [family, text] = described;
  RefuseWhatIsNotComputed(*text, *family);
  ModelConfig config;
  config.architecture = family->model_type;
  ParseSizes(document, *text, *family, config);
  CheckSizes(config);
  ParseRopeAndContext(*text, *family, config);
  ParseMultipliers(*text, *family, config);
  config.tied_head = Flag(*text, "tie_word_embeddings", true);
  config.files_decide_head = family->files_decide_head || Member(*text, "tie_word_embeddings") == nullptr;
  config.qkv_bias = family->qkv_bias.value_or(Flag(*text, "attention_bias", false));
  config.output_bias = family->output_bias.value_or(Flag(*text, family->output_bias_key, false));
  config.mlp_bias = family->mlp_bias.value_or(Flag(*text, "mlp_bias", false));
  config.query_key_norm = family->query_key_norm;
  config.joint_query_key_norm = family->joint_query_key_norm;
  config.input_norms = family->input_norms;
  config.output_norms = family->output_norms;
  config.norms_around_one = family->norms_around_one;
  config.fused_matrices = family->fused_matrices;
  config.activation = family->activation;
  ParseQuantizations(document, *text, config);
  return config;
}

Error UnsupportedError(const NotComputed& refused, const std::string& type) {
  std::vector<Fact> facts{{"unsupported", refused.what}, {"family", type}};
  if (!refused.missing.empty()) facts.push_back({"missing", refused.missing});
  const std::string why = refused.missing.empty() ? "" : ": it needs " + refused.missing;
  return Error(ErrorCode::kModelUnsupported, "config.json: " + refused.what + " is not supported" + why,
               std::move(facts));
}

}  // namespace
}  // namespace config

int RopeConfig::RotatedDims(int head_dim) const { return int(rotated_part * head_dim); }

ModelConfig ParseModelConfig(const std::string& config_json) {
  json::Value document;
  try {
    document = json::Parse(config_json);
  } catch (const json::ParseError& error) {
    config::Corrupt(error.what());
  }
  if (document.AsObject() == nullptr) config::Corrupt("it is no object");
  const std::optional<std::string> type = config::Text(document, "model_type");
  if (!type) config::Corrupt("model_type is missing");
  try {
    if (config::Member(document, "model_file") != nullptr) {
      config::Unsupported("model_file (a program of its own)");
    }
    return config::ParseDescribed(document, config::FindText(document, *type));
  } catch (const config::NotComputed& refused) {
    throw config::UnsupportedError(refused, *type);
  }
}

}  // namespace resident
