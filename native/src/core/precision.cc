#include "core/precision.h"

#include <algorithm>

namespace resident {

DataType ActivationType(const ModelConfig& config, std::span<const DataType> matrices, bool is_gpu) {
  if (!is_gpu) return DataType::kF32;
  if (config.architecture.starts_with("gemma")) return DataType::kBF16;
  const auto half =
      std::ranges::find_if(matrices, [](DataType type) { return type == DataType::kF16 || type == DataType::kBF16; });
  return half == matrices.end() ? DataType::kF16 : *half;
}

}  // namespace resident
