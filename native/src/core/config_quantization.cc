#include "core/config_fields.h"
#include "core/config_parts.h"
#include "core/tensor_names.h"

namespace resident::config {
namespace {

Quantization ParseFormat(const json::Value& value, const std::string& where) {
  const std::string name = Text(value, "mode").value_or("affine");
  const std::optional<QuantMode> mode = ModeOfName(name);
  if (!mode) Unsupported(where + " mode " + name);
  const Quantization parsed{RequiredInteger(value, "group_size"), RequiredInteger(value, "bits"), *mode};
  if (const std::string unknown = WhatIsUnknown(parsed); !unknown.empty()) Unsupported(where + " " + unknown);
  return parsed;
}

/** Of the whole model or, where that says nothing, of its text part. */
const json::Value* FindQuantization(const json::Value& document, const json::Value& text) {
  for (const json::Value* object : {&document, &text}) {
    for (const char* key : {"quantization", "quantization_config"}) {
      if (const json::Value* found = Member(*object, key)) return found;
    }
  }
  return nullptr;
}

}  // namespace

void ParseQuantizations(const json::Value& document, const json::Value& text, ModelConfig& config) {
  const json::Value* value = FindQuantization(document, text);
  if (value == nullptr) return;
  if (value->AsObject() == nullptr) Corrupt("quantization is no object");
  const std::optional<std::string> method = Text(*value, "quant_method");
  if (method && *method != "mxfp4" && *method != "mxfp8") Unsupported("quant_method " + *method);
  if (!method) ParseFormat(*value, "quantization");
  for (const auto& [key, member] : *value->AsObject()) {
    if (member.AsObject() == nullptr) continue;
    config.quantizations[TextName(key)] = ParseFormat(member, "quantization of " + key);
  }
}

}  // namespace resident::config
