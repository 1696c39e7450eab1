#include "core/config.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>

#include "core/error.h"
#include "core/json.h"
#include "core/models/families.h"

namespace resident {
namespace {

/** Converting a larger number to f32 is undefined. */
constexpr double kLargestFloat = std::numeric_limits<float>::max();

[[noreturn]] void Corrupt(const std::string& what) { throw Error(ErrorCode::kModelCorrupt, "config.json: " + what); }

[[noreturn]] void Unsupported(const std::string& what) {
  throw Error(ErrorCode::kModelUnsupported, "config.json: " + what + " is not supported", {{"unsupported", what}});
}

/** Member `key`, with null read as absent, as the writers of these files mean it. */
const json::Value* Member(const json::Value& object, const char* key) {
  const json::Value* value = object.Find(key);
  return value == nullptr || value->IsNull() ? nullptr : value;
}

std::optional<double> Number(const json::Value& object, const char* key) {
  const json::Value* value = Member(object, key);
  if (value == nullptr) return std::nullopt;
  if (const int64_t* number = value->AsInt()) return double(*number);
  if (const double* number = value->AsDouble(); number != nullptr && std::isfinite(*number)) return *number;
  Corrupt(std::string(key) + " is no number");
}

std::optional<int> Integer(const json::Value& object, const char* key, int64_t least) {
  const json::Value* value = Member(object, key);
  if (value == nullptr) return std::nullopt;
  const int64_t* number = value->AsInt();
  if (number == nullptr || *number < least || *number > (1 << 30)) Corrupt(std::string(key) + " is out of range");
  return int(*number);
}

int RequiredInteger(const json::Value& object, const char* key) {
  const std::optional<int> value = Integer(object, key, 1);
  if (!value) Corrupt(std::string(key) + " is missing");
  return *value;
}

bool Flag(const json::Value& object, const char* key, bool otherwise) {
  const json::Value* value = Member(object, key);
  if (value == nullptr) return otherwise;
  if (value->AsBool() == nullptr) Corrupt(std::string(key) + " is neither true nor false");
  return *value->AsBool();
}

std::optional<std::string> Text(const json::Value& object, const char* key) {
  const json::Value* value = Member(object, key);
  if (value == nullptr) return std::nullopt;
  if (value->AsString() == nullptr) Corrupt(std::string(key) + " is no text");
  return *value->AsString();
}

double Positive(const json::Value& object, const char* key, double otherwise) {
  const double value = Number(object, key).value_or(otherwise);
  if (!(value > 0)) Corrupt(std::string(key) + " must be above 0");
  return value;
}

double RequiredFactor(const json::Value& scaling) {
  if (Member(scaling, "factor") == nullptr) Corrupt("rope_scaling has no factor");
  return Positive(scaling, "factor", 1);
}

/** transformers 5 keeps RoPE's base and scaling in there; with windows, once for each kind of layer. */
const json::Value* RopeParameters(const json::Value& config, const char* layer_type) {
  const json::Value* parameters = Member(config, "rope_parameters");
  if (parameters == nullptr) return nullptr;
  const json::Value* own = Member(*parameters, layer_type);
  return own == nullptr ? parameters : own;
}

RopeConfig ParseRope(const json::Value& config, double default_theta) {
  RopeConfig rope;
  const json::Value* parameters = RopeParameters(config, "full_attention");
  rope.theta =
      Positive(config, "rope_theta", parameters ? Positive(*parameters, "rope_theta", default_theta) : default_theta);
  rope.traditional = Flag(config, "rope_traditional", false);
  const json::Value* scaling = Member(config, "rope_scaling");
  if (scaling == nullptr) scaling = parameters;
  if (scaling == nullptr) return rope;
  if (scaling->AsObject() == nullptr) Corrupt("rope_scaling is no object");
  if (Number(*scaling, "partial_rotary_factor").value_or(1) != 1) Unsupported("partial_rotary_factor");
  const std::string type = Text(*scaling, "type").value_or(Text(*scaling, "rope_type").value_or("default"));
  if (type == "default") return rope;
  if (type == "linear") {
    rope.kind = RopeConfig::Kind::kLinear;
    rope.factor = RequiredFactor(*scaling);
  } else if (type == "llama3") {
    rope.kind = RopeConfig::Kind::kLlama3;
    rope.factor = RequiredFactor(*scaling);
    rope.low_freq_factor = Positive(*scaling, "low_freq_factor", 1);
    rope.high_freq_factor = Positive(*scaling, "high_freq_factor", 4);
    rope.original_context_tokens = Integer(*scaling, "original_max_position_embeddings", 1).value_or(8192);
    if (rope.high_freq_factor == rope.low_freq_factor) Corrupt("rope_scaling's frequency factors are equal");
  } else if (type == "yarn") {
    rope.kind = RopeConfig::Kind::kYarn;
    rope.factor = RequiredFactor(*scaling);
    rope.original_context_tokens = Integer(*scaling, "original_max_position_embeddings", 1).value_or(4096);
    rope.beta_fast = Positive(*scaling, "beta_fast", 32);
    rope.beta_slow = Positive(*scaling, "beta_slow", 1);
    rope.mscale = Number(*scaling, "mscale").value_or(1);
    rope.mscale_all_dim = Number(*scaling, "mscale_all_dim").value_or(0);
  } else {
    Unsupported("rope_scaling type " + type);
  }
  return rope;
}

Quantization ParseQuantization(const json::Value& value, const std::string& where) {
  const std::string mode = Text(value, "mode").value_or("affine");
  if (mode != "affine") Unsupported(where + " mode " + mode);
  const Quantization parsed{RequiredInteger(value, "group_size"), RequiredInteger(value, "bits")};
  if (parsed.bits != 4 && parsed.bits != 8) Unsupported(where + " with " + std::to_string(parsed.bits) + " bits");
  if (parsed.group_size != 32 && parsed.group_size != 64 && parsed.group_size != 128) {
    Unsupported(where + " with groups of " + std::to_string(parsed.group_size));
  }
  return parsed;
}

void ParseQuantizations(const json::Value& document, ModelConfig& config) {
  const json::Value* value = Member(document, "quantization");
  if (value == nullptr) value = Member(document, "quantization_config");
  if (value == nullptr) return;
  if (value->AsObject() == nullptr) Corrupt("quantization is no object");
  if (const auto method = Text(*value, "quant_method")) Unsupported("quant_method " + *method);
  config.quantization = ParseQuantization(*value, "quantization");
  for (const auto& [key, member] : *value->AsObject()) {
    if (member.AsObject() != nullptr) {
      config.quantization_overrides[key] = ParseQuantization(member, "quantization of " + key);
    } else if (member.AsBool() != nullptr && !*member.AsBool()) {
      config.quantization_overrides[key] = std::nullopt;
    }
  }
}

/** By layer, from what the config lists; empty where it lists nothing. Throws for kinds of layers that are unknown. */
std::vector<bool> ParseLayerTypes(const json::Value& document, const ModelConfig& config, bool may_have_windows) {
  const json::Value* layers = Member(document, "layer_types");
  if (layers == nullptr || layers->AsArray() == nullptr) return {};
  std::vector<bool> windowed;
  for (const json::Value& layer : *layers->AsArray()) {
    const std::string type = layer.AsString() == nullptr ? "" : *layer.AsString();
    windowed.push_back(type == "sliding_attention");
    if (type != "full_attention" && !(windowed.back() && may_have_windows)) Unsupported("layer type " + type);
  }
  if (int(windowed.size()) != config.num_layers) Corrupt("layer_types is not of as many layers as the model");
  return windowed;
}

/** Families without windows may have a config that asks for one: we would compute something else. */
void RefuseSlidingWindows(const json::Value& document, const ModelConfig& config) {
  if (!ParseLayerTypes(document, config, false).empty()) return;
  const std::optional<int> window = Integer(document, "sliding_window", 1);
  if (window && *window < config.max_context_tokens &&
      Flag(document, "use_sliding_window", config.architecture == "mistral")) {
    Unsupported("sliding_window of " + std::to_string(*window) + " tokens");
  }
}

void ParseWindows(const json::Value& document, const WindowedLayers& defaults, ModelConfig& config) {
  const int window = Integer(document, "sliding_window", 1).value_or(defaults.tokens);
  const int pattern = Integer(document, "sliding_window_pattern", 1)
                          .value_or(Integer(document, "_sliding_window_pattern", 1).value_or(defaults.pattern));
  std::vector<bool> windowed = ParseLayerTypes(document, config, true);
  for (int i = int(windowed.size()); i < config.num_layers; ++i) windowed.push_back((i + 1) % pattern != 0);
  for (const bool has_window : windowed) config.windows.push_back(has_window ? window : 0);
  const json::Value* parameters = RopeParameters(document, "sliding_attention");
  config.window_rope.theta =
      Positive(document, "rope_local_base_freq",
               parameters ? Positive(*parameters, "rope_theta", defaults.rope_theta) : defaults.rope_theta);
}

void RefuseWhatIsNotComputed(const json::Value& document, const Family& family) {
  for (const char* key : {"hidden_act", "hidden_activation"}) {
    const std::optional<std::string> activation = Text(document, key);
    if (activation && *activation != family.activation_name) Unsupported(std::string(key) + " " + *activation);
  }
  if (Number(document, "partial_rotary_factor").value_or(1) != 1) Unsupported("partial_rotary_factor");
  for (const char* key : {"attn_logit_softcapping", "final_logit_softcapping"}) {
    if (Member(document, key) != nullptr) Unsupported(key);
  }
  if (Flag(document, "use_bidirectional_attention", false)) Unsupported("use_bidirectional_attention");
}

void CheckShape(const ModelConfig& config) {
  if (config.num_heads % config.num_kv_heads != 0) Corrupt("num_attention_heads is no multiple of num_key_value_heads");
  if (config.head_dim % 2 != 0) Corrupt("head_dim is odd");
  const int64_t largest = std::max({int64_t(config.vocab_size), int64_t(config.intermediate_size),
                                    (int64_t(config.num_heads) + config.num_kv_heads) * config.head_dim});
  if (config.num_layers > 1000 || config.hidden_size > (1 << 20) || largest > (1 << 24) || config.norm_eps > 1) {
    Corrupt("its sizes are not plausible");
  }
}

/** To the nearest bf16, ties to even. */
float RoundToBrain(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  return std::bit_cast<float>((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u);
}

std::string Shortest(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", value);
  return text;
}

/** Nothing for models without windows: their caches are named as before there were any. */
std::string WindowsId(const ModelConfig& config) {
  if (config.windows.empty()) return "";
  std::string id = ",\"query_scale\":" + Shortest(double(config.query_scale)) +
                   ",\"window_theta\":" + Shortest(config.window_rope.theta) + ",\"windows\":[";
  for (const int window : config.windows) id += std::to_string(window) + ",";
  id.back() = ']';
  return id;
}

}  // namespace

std::optional<Quantization> ModelConfig::QuantizationOf(const std::string& module) const {
  const auto found = quantization_overrides.find(module);
  return found == quantization_overrides.end() ? quantization : found->second;
}

ModelConfig ParseModelConfig(const std::string& config_json) {
  json::Value document;
  try {
    document = json::Parse(config_json);
  } catch (const json::ParseError& error) {
    Corrupt(error.what());
  }
  if (document.AsObject() == nullptr) Corrupt("it is no object");
  const std::optional<std::string> type = Text(document, "model_type");
  if (!type) Corrupt("model_type is missing");
  const Family* family = FindFamily(*type);
  if (family == nullptr) Unsupported("model_type " + *type);
  RefuseWhatIsNotComputed(document, *family);

  ModelConfig config;
  config.architecture = family->architecture;
  config.hidden_size = RequiredInteger(document, "hidden_size");
  config.intermediate_size = RequiredInteger(document, "intermediate_size");
  config.num_layers = RequiredInteger(document, "num_hidden_layers");
  config.num_heads = RequiredInteger(document, "num_attention_heads");
  config.num_kv_heads = Integer(document, "num_key_value_heads", 1).value_or(config.num_heads);
  config.vocab_size = RequiredInteger(document, "vocab_size");
  const std::optional<int> head_dim = Integer(document, "head_dim", 2);
  if (!head_dim && family->head_dim == 0 && config.hidden_size % config.num_heads != 0)
    Corrupt("hidden_size is no multiple of num_attention_heads");
  config.head_dim = head_dim.value_or(family->head_dim == 0 ? config.hidden_size / config.num_heads : family->head_dim);
  const double scale_dim = family->query_scale_dim == 0
                               ? config.head_dim
                               : Positive(document, "query_pre_attn_scalar", family->query_scale_dim);
  config.query_scale = 1.f / std::sqrt(float(std::min(scale_dim, kLargestFloat)));
  config.norm_eps = float(std::min(Positive(document, "rms_norm_eps", 1e-6), kLargestFloat));
  config.max_context_tokens = RequiredInteger(document, "max_position_embeddings");
  config.rope = ParseRope(document, family->default_rope_theta);
  if (config.rope.kind == RopeConfig::Kind::kYarn) {  // configs of both habits exist: before and after the scaling
    const double scaled = config.rope.original_context_tokens * config.rope.factor;
    config.max_context_tokens = std::max(config.max_context_tokens, int(std::min(scaled, double(1 << 30))));
  }
  config.tied_head = Flag(document, "tie_word_embeddings", true);
  config.files_decide_head = family->files_decide_head;
  config.qkv_bias = family->qkv_bias.value_or(Flag(document, "attention_bias", false));
  config.output_bias = family->output_bias.value_or(Flag(document, "attention_bias", false));
  config.mlp_bias = family->mlp_bias.value_or(Flag(document, "mlp_bias", false));
  config.query_key_norm = family->query_key_norm;
  config.output_norms = family->output_norms;
  config.norms_around_one = family->norms_around_one;
  config.activation = family->activation;
  // As mlx_lm, which keeps the factor in bf16 whatever it is multiplied with.
  if (family->scaled_embedding) config.embedding_scale = RoundToBrain(float(std::sqrt(double(config.hidden_size))));
  CheckShape(config);
  if (family->windowed) {
    ParseWindows(document, *family->windowed, config);
  } else {
    RefuseSlidingWindows(document, config);
  }
  ParseQuantizations(document, config);
  return config;
}

std::string ModelConfig::ArchitectureId(DataType kv_dtype) const {
  static constexpr const char* kRopeKinds[] = {"none", "linear", "llama3", "yarn"};
  const auto number = [](const char* key, double value) { return "," + json::Quote(key) + ":" + Shortest(value); };
  const auto flag = [](const char* key, bool value) { return "," + json::Quote(key) + (value ? ":true" : ":false"); };
  return "{\"architecture\":" + json::Quote(architecture) + number("hidden_size", hidden_size) +
         number("intermediate_size", intermediate_size) + number("num_layers", num_layers) +
         number("num_heads", num_heads) + number("num_kv_heads", num_kv_heads) + number("head_dim", head_dim) +
         number("norm_eps", norm_eps) + flag("qkv_bias", qkv_bias) + flag("output_bias", output_bias) +
         flag("mlp_bias", mlp_bias) + flag("query_key_norm", query_key_norm) +
         ",\"rope\":" + json::Quote(kRopeKinds[int(rope.kind)]) + number("theta", rope.theta) +
         flag("traditional", rope.traditional) + number("factor", rope.factor) +
         number("original_context_tokens", rope.original_context_tokens) +
         number("low_freq_factor", rope.low_freq_factor) + number("high_freq_factor", rope.high_freq_factor) +
         number("beta_fast", rope.beta_fast) + number("beta_slow", rope.beta_slow) + number("mscale", rope.mscale) +
         number("mscale_all_dim", rope.mscale_all_dim) + WindowsId(*this) +
         ",\"kv_dtype\":" + json::Quote(SafetensorsName(kv_dtype)) + "}";
}

}  // namespace resident
