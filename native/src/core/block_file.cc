#include "core/block_file.h"

#include <cerrno>
#include <new>
#include <string_view>

#include "core/error.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/json.h"
#include "core/safetensors.h"
#include "core/segments.h"

namespace resident {
namespace {

constexpr std::string_view kPrefix = "{\"__metadata__\":{\"checksum\":\"";
/** Where the data begins: a page's start, from which a file's bytes are copied at twice the speed. */
constexpr size_t kDataAlignment = 4096;

std::string TensorName(char side, int layer) { return std::string(1, side) + "." + std::to_string(layer); }

std::string HeaderText(const PoolGeometry& geometry, int tokens, const Metadata& metadata) {
  std::string text(kPrefix);
  text += std::string(kHashHexDigits, '0') + "\",\"format\":" + json::Quote(kBlockFormat);
  for (const auto& [key, value] : metadata) text += "," + json::Quote(key) + ":" + json::Quote(value);
  text += "}";
  const uint64_t bytes = uint64_t(tokens) * geometry.slot_bytes();
  const std::string all_alike = ":{\"dtype\":" + json::Quote(SafetensorsName(geometry.dtype)) + ",\"shape\":[" +
                                std::to_string(tokens) + "," + std::to_string(geometry.kv_heads) + "," +
                                std::to_string(geometry.head_elements()) + "],\"data_offsets\":[";
  uint64_t at = 0;
  for (int layer = 0; layer < geometry.num_layers; ++layer) {
    for (const char side : {'k', 'v'}) {
      text.append(",\"").append(TensorName(side, layer)).append("\"").append(all_alike);
      text.append(std::to_string(at)).append(",").append(std::to_string(at + bytes)).append("]}");
      at += bytes;
    }
  }
  text += "}";
  const size_t begin = kHeaderLengthBytes + text.size();
  text.resize(text.size() + (kDataAlignment - begin % kDataAlignment) % kDataAlignment, ' ');
  return text;
}

/** Begins a file's checksum. `text` has zeros where the checksum stands. */
void HashHeader(const std::string& text, Hash128& hash) {
  hash.Update(AsBytes(EncodeHeaderLength(text.size())));
  hash.Update(AsBytes(text));
}

BlockRefusal Refuse(const char* code, std::string reason) { return {code, std::move(reason), ""}; }

std::optional<BlockRefusal> CheckTensors(const SafetensorsHeader& header, const PoolGeometry& geometry, int tokens) {
  const uint64_t bytes = uint64_t(tokens) * geometry.slot_bytes();
  const std::vector<int64_t> shape{tokens, geometry.kv_heads, geometry.head_elements()};
  if (header.tensors.size() != size_t(geometry.num_layers) * 2) {
    return Refuse("geometry", "it holds " + std::to_string(header.tensors.size()) + " tensors and the model has " +
                                  std::to_string(geometry.num_layers) + " layers");
  }
  uint64_t at = 0;
  for (int layer = 0; layer < geometry.num_layers; ++layer) {
    for (const char side : {'k', 'v'}) {
      const std::string name = TensorName(side, layer);
      const auto found = header.tensors.find(name);
      const bool fits = found != header.tensors.end() && found->second.dtype_name == SafetensorsName(geometry.dtype) &&
                        found->second.shape == shape && found->second.begin == at && found->second.end == at + bytes;
      if (!fits) return Refuse("geometry", "tensor " + name + " is not what the pool needs");
      at += bytes;
    }
  }
  return std::nullopt;
}

std::optional<BlockRefusal> CheckMetadata(const Metadata& found, const Metadata& expected) {
  for (const auto& [key, value] : expected) {
    const auto it = found.find(key);
    if (it == found.end() || it->second != value) {
      return BlockRefusal{"identity", key + (it == found.end() ? " is missing" : " is another one"), key};
    }
  }
  return std::nullopt;
}

/** Far more than any block's header has. */
constexpr uint64_t kMostHeaderBytes = uint64_t(16) << 20;

/** Length of the header's text in a file of `size` bytes. Throws SafetensorsError. */
uint64_t TextBytes(const File& file, uint64_t size) {
  std::string first(kHeaderLengthBytes, '\0');
  first.resize(file.ReadAt(0, std::as_writable_bytes(std::span(first))));
  return HeaderTextBytes(first, size);
}

/**
 * Reads the header's text and moves the checksum out of it, into `stated`: zeros stand there as they were hashed.
 */
std::optional<BlockRefusal> ReadHeaderText(const File& file, uint64_t text_bytes, std::string& text,
                                           std::string& stated) {
  if (text_bytes > kMostHeaderBytes) return Refuse("format", "its header has " + std::to_string(text_bytes) + " bytes");
  text.resize(text_bytes);
  if (file.ReadAt(kHeaderLengthBytes, std::as_writable_bytes(std::span(text))) != text.size()) {
    return Refuse("truncated", "it became shorter while it was read");
  }
  if (!text.starts_with(kPrefix) || text.size() < kPrefix.size() + kHashHexDigits) {
    return Refuse("format", "it does not begin as a block file of this version does");
  }
  stated = text.substr(kPrefix.size(), kHashHexDigits);
  text.replace(kPrefix.size(), kHashHexDigits, kHashHexDigits, '0');
  return std::nullopt;
}

/** Of a file whose checksum is `whole` or not. Another version may count its checksum otherwise. */
std::optional<BlockRefusal> CheckVersion(const SafetensorsHeader& header, bool whole) {
  const auto format = header.metadata.find("format");
  if (format == header.metadata.end() || format->second != kBlockFormat) {
    return Refuse("format", "it is of another version");
  }
  if (!whole) return Refuse("checksum", "its bytes are not those that were written");
  return std::nullopt;
}

std::optional<BlockRefusal> ReadChecked(const File& file, const PoolGeometry& geometry, int tokens,
                                        const Metadata& expected, const BlockPieces& into, const ReadHooks& hooks) {
  const uint64_t size = file.SizeBytes();
  const uint64_t text_bytes = TextBytes(file, size);
  const uint64_t data_bytes = size - kHeaderLengthBytes - text_bytes, wanted_bytes = geometry.BlockBytes(tokens);
  if (data_bytes > wanted_bytes) {  // nothing of that length is ours: do not read it
    return Refuse("geometry",
                  "it holds " + std::to_string(data_bytes) + " bytes and the block " + std::to_string(wanted_bytes));
  }
  std::string text, stated;
  if (auto refusal = ReadHeaderText(file, text_bytes, text, stated)) return refusal;
  Hash128 hash;
  HashHeader(text, hash);
  if (!ReadSegments(file, kHeaderLengthBytes + text.size(), data_bytes, into, hash, hooks)) {
    return Refuse("truncated", "it became shorter while it was read");
  }
  const bool whole = hash.Hex() == stated;
  // The rule: every word of the header is the one that is asked for.
  if (whole && text == HeaderText(geometry, tokens, expected)) return std::nullopt;
  // Throws where the file is shorter than its header says.
  const SafetensorsHeader header = ParseSafetensorsHeader(text, size);
  if (auto refusal = CheckVersion(header, whole)) return refusal;
  if (auto refusal = CheckMetadata(header.metadata, expected)) return refusal;
  return CheckTensors(header, geometry, tokens);
}

/** What `path` is refused for where reading it throws. */
template <typename Read>
std::optional<BlockRefusal> RefusalOf(Read read) {
  try {
    return read();
  } catch (const SafetensorsError& error) {
    return Refuse(error.truncated ? "truncated" : "format", error.what());
  } catch (const NotRegularFile& error) {
    return Refuse("format", error.what());
  } catch (const Error& error) {
    for (const Fact& fact : error.facts()) {
      const double* number = std::get_if<double>(&fact.value);
      if (fact.name == "errno" && number != nullptr && int(*number) == ENOENT) return Refuse("missing", error.what());
    }
    return Refuse("unreadable", error.what());
  } catch (const std::bad_alloc&) {
    return Refuse("unreadable", "there is not enough memory to read it");
  }
}

std::optional<BlockRefusal> CheckWhole(const File& file, const std::function<void()>& after_segment,
                                       CheckedBlock& checked) {
  const uint64_t size = checked.file_bytes = file.SizeBytes();
  std::string text, stated;
  if (auto refusal = ReadHeaderText(file, TextBytes(file, size), text, stated)) return refusal;
  const uint64_t data_offset = kHeaderLengthBytes + text.size();
  Hash128 hash;
  HashHeader(text, hash);
  if (!HashFileSegments(file, data_offset, size - data_offset, hash, after_segment)) {
    return Refuse("truncated", "it became shorter while it was read");
  }
  const SafetensorsHeader header = ParseSafetensorsHeader(text, size);
  if (auto refusal = CheckVersion(header, hash.Hex() == stated)) return refusal;
  if (header.data_bytes != size - data_offset) return Refuse("geometry", "it holds more than its tensors");
  for (const auto& [key, value] : header.metadata) {
    if (!IsOwnMetadataKey(key)) checked.metadata.emplace(key, value);
  }
  return std::nullopt;
}

}  // namespace

bool IsOwnMetadataKey(const std::string& key) { return key == "format" || key == "checksum"; }

uint64_t WriteBlockFile(const std::string& path, const PoolGeometry& geometry, int tokens, const Metadata& metadata,
                        std::span<const std::byte> data) {
  std::string text = HeaderText(geometry, tokens, metadata);
  Hash128 hash;
  HashHeader(text, hash);
  HashSegments(data, hash);
  text.replace(kPrefix.size(), kHashHexDigits, hash.Hex());
  const std::string length = EncodeHeaderLength(text.size());
  const std::span<const std::byte> pieces[] = {AsBytes(length), AsBytes(text), data};
  WriteAtomically(path, pieces);
  return length.size() + text.size() + data.size();
}

std::optional<BlockRefusal> ReadBlockFile(const std::string& path, const PoolGeometry& geometry,
                                          const WantedBlock& wanted, const BlockPieces& into, const ReadHooks& hooks) {
  return RefusalOf([&]() -> std::optional<BlockRefusal> {
    const File file = File::OpenForReading(path);
    auto refusal = ReadChecked(file, geometry, wanted.tokens, wanted.metadata, into, hooks);
    if (!refusal && wanted.used_at_ms) file.SetUsedAt(*wanted.used_at_ms);
    return refusal;
  });
}

CheckedBlock CheckBlockFile(const std::string& path, const std::function<void()>& after_segment) {
  CheckedBlock checked;
  checked.refusal = RefusalOf([&] { return CheckWhole(File::OpenForReading(path), after_segment, checked); });
  return checked;
}

}  // namespace resident
