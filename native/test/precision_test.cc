// Which types a device computes in.
#include "core/precision.h"

#include <vector>

#include "check.h"

using namespace resident;

namespace {

ModelConfig Of(const char* architecture) {
  ModelConfig config;
  config.architecture = architecture;
  return config;
}

}  // namespace

TEST("on a CPU every family computes in f32, whatever is stored") {
  for (const char* family : {"llama", "qwen3", "gemma3_text"}) {
    for (const DataType stored : {DataType::kF32, DataType::kF16, DataType::kBF16}) {
      CHECK(ActivationType(Of(family), std::vector<DataType>{stored}, false) == DataType::kF32);
    }
  }
}

TEST("a GPU computes in the half type that is stored, and never in f32") {
  using Types = std::vector<DataType>;
  for (const char* family : {"llama", "mistral", "qwen2", "qwen3"}) {
    const ModelConfig config = Of(family);
    CHECK(ActivationType(config, Types{DataType::kF16, DataType::kBF16}, true) == DataType::kF16);
    CHECK(ActivationType(config, Types{DataType::kBF16, DataType::kF16}, true) == DataType::kBF16);
    // A matrix whose scales are too large for f16 says nothing about the others.
    CHECK(ActivationType(config, Types{DataType::kF32, DataType::kBF16}, true) == DataType::kBF16);
    CHECK(ActivationType(config, Types{DataType::kF32, DataType::kF32}, true) == DataType::kF16);
  }
}

TEST("K and V in 8 bits are refused on a GPU by name, and everything else is taken everywhere") {
  for (const DataType type : {DataType::kF32, DataType::kF16, DataType::kBF16}) {
    for (const bool is_gpu : {true, false}) RequireKvType(type, is_gpu);
  }
  RequireKvType(DataType::kQ8, false);
  CHECK_THROWS("INVALID_REQUEST", RequireKvType(DataType::kQ8, true));
}

TEST("Gemma computes in bf16 on a GPU: its activations outgrow f16") {
  for (const DataType stored : {DataType::kF32, DataType::kF16, DataType::kBF16}) {
    CHECK(ActivationType(Of("gemma3_text"), std::vector<DataType>{stored}, true) == DataType::kBF16);
  }
}
