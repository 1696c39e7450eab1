#pragma once
#include <napi.h>

#include <span>
#include <vector>

#include "core/block_file.h"
#include "core/engine.h"

namespace resident {

// Plain data for JavaScript, with the field names of src/native/binding.ts.

Napi::Value ToJs(Napi::Env env, const DeviceReport& report);
Napi::Value ToJs(Napi::Env env, const ModelInfo& info);
Napi::Value ToJs(Napi::Env env, const RunStats& stats);
Napi::Value ToJs(Napi::Env env, const std::vector<SampledToken>& tokens);
Napi::Value ToJs(Napi::Env env, const std::vector<FailedSequence>& failures);
Napi::Value ToJs(Napi::Env env, std::span<const SamplingRange> ranges);
Napi::Value ToJs(Napi::Env env, const std::optional<BlockRefusal>& refusal);
Napi::Float32Array ToJs(Napi::Env env, const std::vector<float>& values);

}  // namespace resident
