#pragma once
#include <napi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/batch.h"
#include "core/block_file.h"

namespace resident {

// Reading of arguments. Everything is copied out at once; a wrong type throws Error INVALID_REQUEST naming the
// argument.

Napi::Object ToObject(const Napi::Value& value, const char* name);
Napi::Function ToFunction(const Napi::Value& value, const char* name);
std::string ToText(const Napi::Value& value, const char* name);
double ToNumber(const Napi::Value& value, const char* name);
/** A whole number that a double holds exactly. */
int64_t ToInteger(const Napi::Value& value, const char* name);
int32_t ToInt32(const Napi::Value& value, const char* name);
std::vector<int32_t> ToInts(const Napi::Value& value, const char* name);
std::vector<uint8_t> ToBytes(const Napi::Value& value, const char* name);
DataType ToKvType(const Napi::Value& value, const char* name);
PoolGeometry ToGeometry(const Napi::Value& value);
Metadata ToMetadata(const Napi::Value& value, const char* name);
StepBatch ToBatch(const Napi::Value& value);

}  // namespace resident
