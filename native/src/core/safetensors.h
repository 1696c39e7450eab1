#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/dtype.h"

namespace resident {

/** One tensor's place in a safetensors file. */
struct TensorEntry {
  std::string dtype_name;         // as the file says it
  std::optional<DataType> dtype;  // empty: a type that we do not read
  std::vector<int64_t> shape;
  uint64_t begin = 0, end = 0;  // bytes, half open, counted from the start of the data

  uint64_t SizeBytes() const { return end - begin; }
};

/** The header of a safetensors file, every number in it checked against the others and against the file's length. */
struct SafetensorsHeader {
  std::map<std::string, TensorEntry> tensors;
  std::map<std::string, std::string> metadata;
  uint64_t data_offset = 0;  // bytes from the start of the file
  uint64_t data_bytes = 0;   // up to the end of the last tensor
};

/** Why a header was refused. `truncated`: the file is shorter than it says of itself; otherwise it is malformed. */
class SafetensorsError : public std::runtime_error {
 public:
  SafetensorsError(bool truncated, const std::string& what) : std::runtime_error(what), truncated(truncated) {}
  const bool truncated;
};

constexpr uint64_t kHeaderLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own limit

/** Length of the JSON text from the first 8 bytes of a file of `file_bytes`. Throws SafetensorsError. */
uint64_t HeaderTextBytes(std::string_view first_bytes, uint64_t file_bytes);

/** Parses the JSON text of a header. Throws SafetensorsError. */
SafetensorsHeader ParseSafetensorsHeader(std::string_view text, uint64_t file_bytes);

/** The 8 bytes that say how long the JSON text is. */
std::string EncodeHeaderLength(uint64_t text_bytes);

}  // namespace resident
