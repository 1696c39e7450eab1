#include "core/precision.h"

#include <algorithm>

#include "core/error.h"

namespace resident {

DataType ActivationType(const ModelConfig& config, std::span<const DataType> matrices, bool is_gpu) {
  if (!is_gpu) return DataType::kF32;
  if (config.architecture.starts_with("gemma")) return DataType::kBF16;
  const auto half =
      std::ranges::find_if(matrices, [](DataType type) { return type == DataType::kF16 || type == DataType::kBF16; });
  return half == matrices.end() ? DataType::kF16 : *half;
}

void RequireKvType(DataType kv_dtype, bool is_gpu) {
  if (!is_gpu || kv_dtype != DataType::kQ8) return;
  throw Error(ErrorCode::kInvalidRequest, "K and V in 8 bits (q8) are for processors, and the GPU computes",
              {{"kvDtype", std::string("q8")}, {"device", std::string("gpu")}});
}

}  // namespace resident
