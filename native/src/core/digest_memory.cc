#include "core/digest_memory.h"

#include <algorithm>
#include <charconv>

#include "core/json.h"

namespace resident {
namespace {

constexpr uint64_t kMaxBytes = 1 << 20;
constexpr size_t kMostEntries = 256;
constexpr int64_t kFormat = 1;
constexpr int64_t kCoarsestClockNs = 2'000'000'000;

std::string StampText(const FileStamp& stamp) {
  std::string text;
  for (const uint64_t number : {stamp.device, stamp.inode, stamp.size_bytes}) text += std::to_string(number) + " ";
  return text + std::to_string(stamp.modified_ns) + " " + std::to_string(stamp.changed_ns);
}

std::optional<Digest128> ParseDigest(const std::string& hex) {
  const auto half = [](std::string_view digits) -> std::optional<uint64_t> {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
  };
  if (hex.size() != kHashHexDigits) return std::nullopt;
  const std::string_view digits(hex);
  const auto high = half(digits.substr(0, 16)), low = half(digits.substr(16));
  if (!high || !low) return std::nullopt;
  return Digest128{*high, *low};
}

DigestMemory ReadMemory(const std::string& path) {
  try {
    return DigestMemory(ReadText(path, kMaxBytes));
  } catch (const Error&) {
    return {};  // nothing was remembered yet, or it cannot be read: both mean to hash again
  }
}

}  // namespace

DigestMemory::DigestMemory(std::string_view text) {
  json::Value document;
  try {
    document = json::Parse(text);
  } catch (const json::ParseError&) {
    return;
  }
  const json::Value *format = document.Find("format"), *files = document.Find("files");
  if (format == nullptr || format->AsInt() == nullptr || *format->AsInt() != kFormat) return;
  if (files == nullptr || files->AsObject() == nullptr) return;
  for (const auto& [stamp, value] : *files->AsObject()) {
    const std::string* hex = value.AsString();
    const std::optional<Digest128> digest = hex == nullptr ? std::nullopt : ParseDigest(*hex);
    if (digest) entries_.emplace_back(stamp, *digest);
  }
}

std::string DigestMemory::Text() const {
  std::string text = "{\"format\":" + std::to_string(kFormat) + ",\"files\":{";
  for (size_t i = 0; i < entries_.size(); ++i) {
    text += (i == 0 ? "\n" : ",\n") + json::Quote(entries_[i].first) + ":" + json::Quote(entries_[i].second.Hex());
  }
  return text + "\n}}\n";
}

std::optional<Digest128> DigestMemory::Find(const FileStamp& stamp) const {
  const std::string text = StampText(stamp);
  for (const auto& [known, digest] : entries_) {
    if (known == text) return digest;
  }
  return std::nullopt;
}

void DigestMemory::Remember(const FileStamp& stamp, const Digest128& digest) {
  const std::string text = StampText(stamp);
  std::erase_if(entries_, [&](const auto& entry) { return entry.first == text; });
  entries_.emplace_back(text, digest);
  if (entries_.size() > kMostEntries) entries_.erase(entries_.begin(), entries_.end() - kMostEntries);
}

bool IsSettled(const FileStamp& stamp, int64_t read_from_ns) {
  return std::max(stamp.modified_ns, stamp.changed_ns) + kCoarsestClockNs <= read_from_ns;
}

std::string DigestMemoryPath(const std::string& home) { return home + "/weights.json"; }

void RememberDigests(const std::string& home, const FileDigests& files, int64_t read_from_ns) {
  const std::string path = DigestMemoryPath(home);
  DigestMemory memory = ReadMemory(path);
  bool is_new = false;
  for (const auto& [file, digest] : files) {
    const FileStamp stamp = file->Stamp();
    if (!IsSettled(stamp, read_from_ns) || memory.Find(stamp) == digest) continue;
    memory.Remember(stamp, digest);
    is_new = true;
  }
  if (!is_new) return;
  try {
    const std::string text = memory.Text();
    const std::span<const std::byte> pieces[] = {AsBytes(text)};
    MakeFolder(home);
    WriteAtomically(path, pieces);
  } catch (const Error&) {
    // The next load hashes the weights in any case; only what asks for an id without loading knows less.
  }
}

std::optional<std::string> RememberedId(const std::string& home, const Checkpoint& checkpoint) {
  const DigestMemory memory = ReadMemory(DigestMemoryPath(home));
  FileDigests digests;
  for (const auto& file : checkpoint.files()) {
    const std::optional<Digest128> digest = memory.Find(file->Stamp());
    if (!digest) return std::nullopt;
    digests[file.get()] = *digest;
  }
  return checkpoint.IdOf(digests);
}

}  // namespace resident
