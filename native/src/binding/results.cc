#include "binding/results.h"

#include <algorithm>

#include "binding/calls.h"

namespace resident {
namespace {

const char* DeviceName(bool is_gpu) { return is_gpu ? "gpu" : "cpu"; }

const char* KvTypeName(DataType type) {
  switch (type) {
    case DataType::kF16:
      return "f16";
    case DataType::kBF16:
      return "bf16";
    case DataType::kQ8:
      return "q8";
    default:
      return "f32";
  }
}

}  // namespace

Napi::Value ToJs(Napi::Env env, const DeviceReport& report) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("device", DeviceName(report.is_gpu));
  object.Set("name", report.name);
  object.Set("gpuAvailable", report.gpu_available);
  object.Set("memoryBytes", double(report.physical_bytes));
  object.Set("availableBytes", double(report.available_bytes));
  object.Set("mlxActiveBytes", double(report.mlx_active_bytes));
  object.Set("mlxCacheBytes", double(report.mlx_cache_bytes));
  return object;
}

Napi::Value ToJs(Napi::Env env, const ModelInfo& info) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("architecture", info.config.architecture);
  object.Set("numLayers", info.config.num_layers);
  object.Set("numHeads", info.config.num_heads);
  object.Set("numKvHeads", info.config.num_kv_heads);
  object.Set("headDim", info.config.head_dim);
  object.Set("vocabSize", info.config.vocab_size);
  object.Set("maxContextTokens", info.config.max_context_tokens);
  object.Set("weightBytes", double(info.weight_bytes));
  object.Set("kvDtype", KvTypeName(info.kv_dtype));
  object.Set("kvBytesPerToken", double(info.config.KvBytesPerToken(info.kv_dtype)));
  if (info.window_layers > 0) {
    Napi::Object window = Napi::Object::New(env);
    window.Set("tokens", info.window_tokens);
    window.Set("layers", info.window_layers);
    window.Set("kvBytesPerToken", double(info.window_bytes_per_token));
    object.Set("window", window);
  }
  object.Set("weightsId", info.weights_id);
  object.Set("architectureId", info.architecture_id);
  object.Set("kvLayoutId", info.kv_layout_id);
  object.Set("numericsId", info.numerics_id);
  object.Set("device", DeviceName(info.is_gpu));
  object.Set("stepWeightBytes", double(info.step_weight_bytes));
  object.Set("ops", info.back_end.ops);
  if (!info.back_end.level.empty()) {
    object.Set("cpuLevel", info.back_end.level);
    object.Set("cpuThreads", info.back_end.threads);
  }
  return object;
}

Napi::Value ToJs(Napi::Env env, const RunStats& stats) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("stepMs", stats.step_ms);
  object.Set("movedSlabs", stats.moved_slabs);
  object.Set("viewSequences", stats.view_sequences);
  object.Set("gatheredSequences", stats.gathered_sequences);
  object.Set("draftedTokens", stats.drafted_tokens);
  object.Set("acceptedTokens", stats.accepted_tokens);
  object.Set("forcedTokens", stats.forced_tokens);
  return object;
}

Napi::Value ToJs(Napi::Env env, const std::vector<SampledToken>& tokens) {
  Napi::Array list = Napi::Array::New(env, tokens.size());
  for (size_t i = 0; i < tokens.size(); ++i) {
    const SampledToken& token = tokens[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("sequence", token.sequence);
    object.Set("step", token.step);
    object.Set("id", token.sample.id);
    if (token.sample.has_logprob) object.Set("logprob", token.sample.logprob);
    if (!token.sample.top_ids.empty()) {
      auto ids = Napi::Int32Array::New(env, token.sample.top_ids.size());
      std::copy(token.sample.top_ids.begin(), token.sample.top_ids.end(), ids.Data());
      object.Set("topIds", ids);
      object.Set("topLogprobs", ToJs(env, token.sample.top_logprobs));
    }
    list.Set(uint32_t(i), object);
  }
  return list;
}

Napi::Value ToJs(Napi::Env env, const std::vector<FailedSequence>& failures) {
  Napi::Array list = Napi::Array::New(env, failures.size());
  for (size_t i = 0; i < failures.size(); ++i) {
    const FailedSequence& failure = failures[i];
    Napi::Object object = Napi::Object::New(env);
    object.Set("sequence", failure.sequence);
    object.Set("step", failure.step);
    object.Set("code", ErrorCodeName(failure.error.code()));
    object.Set("what", failure.error.what());
    object.Set("facts", FactsToJs(env, failure.error));
    list.Set(uint32_t(i), object);
  }
  return list;
}

Napi::Value ToJs(Napi::Env env, std::span<const SamplingRange> ranges) {
  Napi::Object table = Napi::Object::New(env);
  for (const SamplingRange& range : ranges) {
    Napi::Object object = Napi::Object::New(env);
    object.Set("min", range.min);
    object.Set("max", range.max);
    object.Set("whole", range.whole);
    table.Set(range.name, object);
  }
  return table;
}

Napi::Value ToJs(Napi::Env env, const std::optional<BlockRefusal>& refusal) {
  if (!refusal) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  object.Set("code", refusal->code);
  object.Set("reason", refusal->reason);
  if (!refusal->key.empty()) object.Set("key", refusal->key);
  return object;
}

Napi::Float32Array ToJs(Napi::Env env, const std::vector<float>& values) {
  auto array = Napi::Float32Array::New(env, values.size());
  std::copy(values.begin(), values.end(), array.Data());
  return array;
}

}  // namespace resident
