#include "core/checkpoint.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/error.h"
#include "core/json.h"
#include "core/tensor_names.h"

namespace resident {
namespace {

constexpr uint64_t kMaxConfigBytes = 16 << 20;

bool IsFolder(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

Error Incomplete(const std::string& what, const std::string& path) {
  return Error(ErrorCode::kModelIncomplete, what, {{"path", path}});
}

Error Corrupt(const std::string& path, const std::string& why) {
  return Error(ErrorCode::kModelCorrupt, path + " is damaged: " + why, {{"path", path}});
}

std::vector<std::string> FileNames(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  return names;
}

/** File names of a sharded model, from model.safetensors.index.json. */
std::set<std::string> ReadIndex(const std::string& path) {
  json::Value document;
  try {
    document = json::Parse(ReadText(path, kMaxHeaderBytes));
  } catch (const json::ParseError& error) {
    throw Corrupt(path, error.what());
  }
  const json::Value* map = document.Find("weight_map");
  if (map == nullptr || map->AsObject() == nullptr) throw Corrupt(path, "it has no weight_map");
  std::set<std::string> names;
  for (const auto& [tensor, file] : *map->AsObject()) {
    const std::string* name = file.AsString();
    if (name == nullptr || name->empty() || name->find('/') != std::string::npos || name->front() == '.') {
      throw Corrupt(path, "the file of " + tensor + " is no plain name");
    }
    names.insert(*name);
  }
  if (names.empty()) throw Corrupt(path, "its weight_map is empty");
  return names;
}

/** What a file's name says where it is one of several: model…-00001-of-00004.safetensors. */
struct ShardName {
  std::string_view stem, count;
};
std::optional<ShardName> ShardOf(std::string_view name) {
  constexpr std::string_view kEnd = ".safetensors", kOf = "-of-";
  constexpr size_t kDigits = 5, kTail = 1 + kDigits + kOf.size() + kDigits;
  name.remove_suffix(kEnd.size());
  if (name.size() < kTail) return std::nullopt;
  const std::string_view tail = name.substr(name.size() - kTail);
  const std::string_view number = tail.substr(1, kDigits), count = tail.substr(kTail - kDigits);
  const auto digits = [](std::string_view text) { return text.find_first_not_of("0123456789") == std::string::npos; };
  if (tail[0] != '-' || tail.substr(1 + kDigits, kOf.size()) != kOf) return std::nullopt;
  if (!digits(number) || !digits(count)) return std::nullopt;
  return ShardName{name.substr(0, name.size() - kTail), count};
}

/**
 * As mlx_lm: all files named model*.safetensors. The name of a shard says how many there are: missing shards are
 * listed too, so that they are reported.
 */
std::set<std::string> FilesWithoutIndex(const std::string& directory) {
  std::set<std::string> names;
  for (const std::string& name : FileNames(directory)) {
    if (!name.starts_with("model") || !name.ends_with(".safetensors")) continue;
    names.insert(name);
    const std::optional<ShardName> shard = ShardOf(name);
    if (!shard) continue;
    const std::string count(shard->count);
    for (int i = 1; i <= std::stoi(count); ++i) {
      const std::string number = std::to_string(i);
      const std::string zeros(count.size() - std::min(count.size(), number.size()), '0');
      names.insert(std::string(shard->stem) + "-" + zeros + number + "-of-" + count + ".safetensors");
    }
  }
  if (names.empty()) names.insert("model.safetensors");
  return names;
}

}  // namespace

Checkpoint::Checkpoint(const std::string& directory) {
  if (!IsFolder(directory)) {
    throw Error(ErrorCode::kModelNotFound, "there is no model folder " + directory, {{"path", directory}});
  }
  const std::string config_path = directory + "/config.json";
  if (!FileExists(config_path)) throw Incomplete("the model folder has no config.json", config_path);
  config_text_ = ReadText(config_path, kMaxConfigBytes);
  config_ = ParseModelConfig(config_text_);
  const std::string index = directory + "/model.safetensors.index.json";
  if (FileExists(index)) {
    for (const std::string& name : ReadIndex(index)) AddFile(directory, name);
  } else {
    for (const std::string& name : FilesWithoutIndex(directory)) AddFile(directory, name);
  }
  if (config_.files_decide_head) config_.tied_head = Find("lm_head.weight") == nullptr;
}

void Checkpoint::AddFile(const std::string& directory, const std::string& name) {
  const std::string path = directory + "/" + name;
  if (!FileExists(path)) throw Incomplete("the model folder has no " + name, path);
  const File& file = *files_.emplace_back(std::make_unique<File>(File::OpenForReading(path)));
  const FileStamp& stamp = stamps_.emplace_back(file.Stamp());
  const uint64_t size = stamp.size_bytes;
  try {
    std::string first(kHeaderLengthBytes, '\0');
    first.resize(file.ReadAt(0, std::as_writable_bytes(std::span(first))));
    std::string text(HeaderTextBytes(first, size), '\0');
    if (file.ReadAt(kHeaderLengthBytes, std::as_writable_bytes(std::span(text))) != text.size()) {
      throw SafetensorsError(true, "the file ends inside its header");
    }
    const SafetensorsHeader header = ParseSafetensorsHeader(text, size);
    for (const auto& [tensor, entry] : header.tensors) {
      const std::string text_name = TextName(tensor);
      if (!PartLeftOut(text_name).empty()) continue;
      StoredTensor stored{tensor, &file, header.data_offset + entry.begin, entry};
      const bool fresh = tensors_.emplace(text_name, std::move(stored)).second;
      if (!fresh) throw Corrupt(path, "tensor " + tensor + " is there twice");
    }
  } catch (const SafetensorsError& error) {
    if (error.truncated) throw Incomplete(path + " is incomplete: " + error.what(), path);
    throw Corrupt(path, error.what());
  }
}

const StoredTensor* Checkpoint::Find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

std::string Checkpoint::IdOf(const FileDigests& digests) const {
  Digest128 all;
  for (const auto& [file, digest] : digests) all = all + digest;
  Hash128 hash;
  hash.Update(AsBytes(config_text_));
  hash.Update(AsBytes(all.Hex()));
  return hash.Hex();
}

void Checkpoint::RequireUnchanged() const {
  for (size_t i = 0; i < files_.size(); ++i) {
    const std::string& path = files_[i]->path();
    // The path, not the open file: of several files, some may have been opened before others were replaced.
    if (StampOf(path) == stamps_[i]) continue;
    throw Error(ErrorCode::kModelCorrupt, path + " was changed while it was read", {{"path", path}});
  }
}

void ReadStored(const StoredTensor& tensor, uint64_t from, std::span<std::byte> into) {
  if (tensor.file->ReadAt(tensor.offset + from, into) != into.size()) {
    throw Incomplete(tensor.file->path() + " became shorter while it was read", tensor.file->path());
  }
}

}  // namespace resident
