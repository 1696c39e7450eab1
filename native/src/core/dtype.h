#pragma once
#include <cstddef>
#include <optional>
#include <string_view>

namespace resident {

/**
 * Element types of the tensors that we read and write. kU8 is of a checkpoint's scales; kQ8 of K and V alone: bytes too,
 * heads as in HeadBytes.
 */
enum class DataType { kF32, kF16, kBF16, kU32, kU8, kQ8 };

constexpr size_t SizeOf(DataType type) {
  if (type == DataType::kQ8 || type == DataType::kU8) return 1;
  return type == DataType::kF32 || type == DataType::kU32 ? 4 : 2;
}

constexpr bool IsFloating(DataType type) { return type == DataType::kF32 || type == DataType::kF16 || type == DataType::kBF16; }

/** As safetensors writes it. */
constexpr std::string_view SafetensorsName(DataType type) {
  switch (type) {
    case DataType::kF32:
      return "F32";
    case DataType::kF16:
      return "F16";
    case DataType::kBF16:
      return "BF16";
    case DataType::kU32:
      return "U32";
    case DataType::kU8:
    case DataType::kQ8:
      return "U8";
  }
  return "";
}

/** Of a checkpoint's tensors, none of which is K or V. */
constexpr std::optional<DataType> DataTypeFromSafetensors(std::string_view name) {
  for (const DataType type : {DataType::kF32, DataType::kF16, DataType::kBF16, DataType::kU32, DataType::kU8}) {
    if (SafetensorsName(type) == name) return type;
  }
  return std::nullopt;
}

}  // namespace resident
