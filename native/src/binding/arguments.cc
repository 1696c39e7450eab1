#include "binding/arguments.h"

#include <cmath>

#include "binding/grammar_object.h"
#include "core/error.h"

namespace resident {
namespace {

[[noreturn]] void Wrong(const char* name, const char* what) {
  throw Error(ErrorCode::kInvalidRequest, std::string(name) + " must be " + what, {{"argument", name}});
}

template <typename Array, typename Element>
std::vector<Element> ToVector(const Napi::Value& value, const char* name, napi_typedarray_type type, const char* what) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != type) Wrong(name, what);
  const auto array = value.As<Array>();
  return std::vector<Element>(array.Data(), array.Data() + array.ElementLength());
}

std::vector<float> ToFloats(const Napi::Value& value, const char* name) {
  return ToVector<Napi::Float32Array, float>(value, name, napi_float32_array, "a Float32Array");
}

uint32_t ToUint32(const Napi::Value& value, const char* name) {
  const int64_t number = ToInteger(value, name);
  if (number < 0 || number > UINT32_MAX) Wrong(name, "an unsigned number of 32 bits");
  return uint32_t(number);
}

SamplingParams ToSampling(const Napi::Value& value) {
  const Napi::Object object = ToObject(value, "sampling");
  const auto number = [&](const char* name) { return ToNumber(object.Get(name), name); };
  SamplingParams params;
  params.temperature = number("temperature");
  params.top_k = ToInteger(object.Get("topK"), "topK");
  params.top_p = number("topP");
  params.min_p = number("minP");
  params.penalties = {.repetition = number("repetitionPenalty"),
                      .presence = number("presencePenalty"),
                      .frequency = number("frequencyPenalty")};
  params.seed =
      uint64_t(ToUint32(object.Get("seedHigh"), "seedHigh")) << 32 | ToUint32(object.Get("seedLow"), "seedLow");
  params.bias_ids = ToInts(object.Get("biasIds"), "biasIds");
  params.bias_values = ToFloats(object.Get("biasValues"), "biasValues");
  params.answer = {.recent_ids = ToInts(object.Get("recentIds"), "recentIds"),
                   .ids = ToInts(object.Get("answerIds"), "answerIds"),
                   .counts = ToInts(object.Get("answerCounts"), "answerCounts")};
  params.stop_ids = ToInts(object.Get("stopIds"), "stopIds");
  params.lookup_ids = ToInts(object.Get("lookupIds"), "lookupIds");
  if (!object.Get("guesser").IsUndefined()) params.guesser = ToText(object.Get("guesser"), "guesser");
  params.logprobs = ToInteger(object.Get("logprobs"), "logprobs");
  if (!object.Get("grammar").IsUndefined()) {
    params.grammar = ToGrammar(object.Get("grammar"), "grammar");
    params.grammar_ids = ToInts(object.Get("grammarIds"), "grammarIds");
  }
  return params;
}

}  // namespace

Napi::Object ToObject(const Napi::Value& value, const char* name) {
  if (!value.IsObject()) Wrong(name, "an object");
  return value.As<Napi::Object>();
}

Napi::Function ToFunction(const Napi::Value& value, const char* name) {
  if (!value.IsFunction()) Wrong(name, "a function");
  return value.As<Napi::Function>();
}

std::string ToText(const Napi::Value& value, const char* name) {
  if (!value.IsString()) Wrong(name, "a string");
  std::string text = value.As<Napi::String>().Utf8Value();
  if (text.find('\0') != std::string::npos) Wrong(name, "a string without zero characters");
  return text;
}

double ToNumber(const Napi::Value& value, const char* name) {
  if (!value.IsNumber()) Wrong(name, "a number");
  return value.As<Napi::Number>().DoubleValue();
}

int64_t ToInteger(const Napi::Value& value, const char* name) {
  const double number = ToNumber(value, name);
  if (std::nearbyint(number) != number || std::abs(number) > 9007199254740991.0) Wrong(name, "a whole number");
  return int64_t(number);
}

int32_t ToInt32(const Napi::Value& value, const char* name) {
  const int64_t number = ToInteger(value, name);
  if (number < INT32_MIN || number > INT32_MAX) Wrong(name, "a whole number of 32 bits");
  return int32_t(number);
}

std::vector<int32_t> ToInts(const Napi::Value& value, const char* name) {
  return ToVector<Napi::Int32Array, int32_t>(value, name, napi_int32_array, "an Int32Array");
}

std::vector<uint8_t> ToBytes(const Napi::Value& value, const char* name) {
  return ToVector<Napi::Uint8Array, uint8_t>(value, name, napi_uint8_array, "a Uint8Array");
}

DataType ToKvType(const Napi::Value& value, const char* name) {
  const std::string type = ToText(value, name);
  if (type == "f32") return DataType::kF32;
  if (type == "f16") return DataType::kF16;
  if (type == "bf16") return DataType::kBF16;
  if (type == "q8") return DataType::kQ8;
  Wrong(name, "\"f32\", \"f16\", \"bf16\" or \"q8\"");
}

PoolGeometry ToGeometry(const Napi::Value& value) {
  const Napi::Object object = ToObject(value, "geometry");
  const auto number = [&](const char* name) { return ToInt32(object.Get(name), name); };
  PoolGeometry geometry{.blocks = number("blocks"),
                        .block_tokens = number("blockTokens"),
                        .num_layers = number("layers"),
                        .kv_heads = number("kvHeads"),
                        .head_dim = number("headDim")};
  geometry.dtype = ToKvType(object.Get("dtype"), "dtype");
  return geometry;
}

Metadata ToMetadata(const Napi::Value& value, const char* name) {
  const Napi::Object object = ToObject(value, name);
  Metadata metadata;
  const Napi::Array keys = object.GetPropertyNames();
  for (uint32_t i = 0; i < keys.Length(); ++i) {
    const std::string key = ToText(keys.Get(i), name);
    if (IsOwnMetadataKey(key)) Wrong(name, "without the keys \"format\" and \"checksum\"");
    metadata[key] = ToText(object.Get(key), name);
  }
  return metadata;
}

StepBatch ToBatch(const Napi::Value& value) {
  const Napi::Object object = ToObject(value, "batch");
  StepBatch batch;
  batch.tokens = ToInts(object.Get("tokens"), "tokens");
  batch.token_counts = ToInts(object.Get("tokenCounts"), "tokenCounts");
  batch.starts = ToInts(object.Get("starts"), "starts");
  batch.tables = ToInts(object.Get("tables"), "tables");
  batch.table_lengths = ToInts(object.Get("tableLengths"), "tableLengths");
  batch.want_token = ToBytes(object.Get("wantToken"), "wantToken");
  batch.steps = ToInt32(object.Get("steps"), "steps");
  const Napi::Value sampling = object.Get("sampling");
  if (!sampling.IsArray()) Wrong("sampling", "an array");
  const Napi::Array list = sampling.As<Napi::Array>();
  if (list.Length() != batch.want_token.size()) Wrong("sampling", "as long as wantToken");
  for (uint32_t i = 0; i < list.Length(); ++i) {
    try {
      batch.sampling.push_back(batch.want_token[i] ? ToSampling(list.Get(i)) : SamplingParams{});
    } catch (Error& error) {
      error.AddFact({"sequence", double(i)});
      throw;
    }
  }
  return batch;
}

}  // namespace resident
