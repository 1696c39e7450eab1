#include "core/safetensors.h"

#include <algorithm>
#include <limits>

#include "core/json.h"

namespace resident {
namespace {

[[noreturn]] void Malformed(const std::string& what) { throw SafetensorsError(false, what); }

uint64_t ParseOffset(const json::Value& value, const std::string& name) {
  const int64_t* offset = value.AsInt();
  if (offset == nullptr || *offset < 0) Malformed("tensor " + name + " has a bad offset");
  return uint64_t(*offset);
}

std::vector<int64_t> ParseShape(const json::Value* value, const std::string& name) {
  const json::Array* sizes = value == nullptr ? nullptr : value->AsArray();
  if (sizes == nullptr || sizes->size() > 8) Malformed("tensor " + name + " has no shape");
  std::vector<int64_t> shape;
  for (const json::Value& size : *sizes) {
    const int64_t* number = size.AsInt();
    if (number == nullptr || *number < 0 || *number > std::numeric_limits<int32_t>::max()) {
      Malformed("tensor " + name + " has a bad shape");
    }
    shape.push_back(*number);
  }
  return shape;
}

uint64_t ShapeBytes(const std::vector<int64_t>& shape, DataType type, const std::string& name) {
  uint64_t bytes = SizeOf(type);
  for (const int64_t size : shape) {
    if (size != 0 && bytes > (uint64_t(1) << 62) / uint64_t(size)) Malformed("tensor " + name + " is too large");
    bytes *= uint64_t(size);
  }
  return bytes;
}

TensorEntry ParseEntry(const std::string& name, const json::Value& value) {
  TensorEntry entry;
  const json::Value* dtype = value.Find("dtype");
  if (dtype == nullptr || dtype->AsString() == nullptr) Malformed("tensor " + name + " has no dtype");
  entry.dtype_name = *dtype->AsString();
  entry.dtype = DataTypeFromSafetensors(entry.dtype_name);
  entry.shape = ParseShape(value.Find("shape"), name);
  const json::Value* offsets = value.Find("data_offsets");
  const json::Array* pair = offsets == nullptr ? nullptr : offsets->AsArray();
  if (pair == nullptr || pair->size() != 2) Malformed("tensor " + name + " has no offsets");
  entry.begin = ParseOffset((*pair)[0], name);
  entry.end = ParseOffset((*pair)[1], name);
  if (entry.begin > entry.end) Malformed("tensor " + name + " ends before it begins");
  if (entry.dtype && ShapeBytes(entry.shape, *entry.dtype, name) != entry.SizeBytes()) {
    Malformed("tensor " + name + " has a shape that does not fit its bytes");
  }
  return entry;
}

std::map<std::string, std::string> ParseMetadata(const json::Value& value) {
  if (value.IsNull()) return {};  // as MLX writes a file without metadata
  const json::Object* members = value.AsObject();
  if (members == nullptr) Malformed("__metadata__ is no object");
  std::map<std::string, std::string> metadata;
  for (const auto& [key, text] : *members) {
    if (text.AsString() == nullptr) Malformed("metadata " + key + " is no string");
    metadata.emplace(key, *text.AsString());
  }
  return metadata;
}

}  // namespace

uint64_t HeaderTextBytes(std::string_view first_bytes, uint64_t file_bytes) {
  if (first_bytes.size() < kHeaderLengthBytes || file_bytes < kHeaderLengthBytes) {
    throw SafetensorsError(true, "the file is shorter than a safetensors header");
  }
  uint64_t length = 0;
  for (size_t i = 0; i < kHeaderLengthBytes; ++i) length |= uint64_t(uint8_t(first_bytes[i])) << (8 * i);
  if (length > kMaxHeaderBytes || length < 2) Malformed("the header's length is not plausible");
  if (length > file_bytes - kHeaderLengthBytes) throw SafetensorsError(true, "the file ends inside its header");
  return length;
}

SafetensorsHeader ParseSafetensorsHeader(std::string_view text, uint64_t file_bytes) {
  json::Value document;
  try {
    document = json::Parse(text);
  } catch (const json::ParseError& error) {
    Malformed(std::string("the header is not JSON: ") + error.what());
  }
  const json::Object* members = document.AsObject();
  if (members == nullptr) Malformed("the header is no object");
  SafetensorsHeader header;
  header.data_offset = kHeaderLengthBytes + text.size();
  for (const auto& [name, value] : *members) {
    if (name == "__metadata__") {
      header.metadata = ParseMetadata(value);
      continue;
    }
    TensorEntry entry = ParseEntry(name, value);
    header.data_bytes = std::max(header.data_bytes, entry.end);
    header.tensors.emplace(name, std::move(entry));
  }
  if (file_bytes < header.data_offset || header.data_bytes > file_bytes - header.data_offset) {
    throw SafetensorsError(true, "the file has " + std::to_string(file_bytes) + " bytes and its header needs " +
                                     std::to_string(header.data_offset + header.data_bytes));
  }
  return header;
}

std::string EncodeHeaderLength(uint64_t text_bytes) {
  std::string bytes;
  for (size_t i = 0; i < kHeaderLengthBytes; ++i) bytes.push_back(char((text_bytes >> (8 * i)) & 0xff));
  return bytes;
}

}  // namespace resident
