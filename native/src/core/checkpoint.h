#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/file.h"
#include "core/hash.h"
#include "core/safetensors.h"

namespace resident {

/** One tensor of a checkpoint and the file that holds it. */
struct StoredTensor {
  std::string name;  // in the file
  const File* file;
  uint64_t offset;  // bytes from the start of the file
  TensorEntry entry;
};

/** Digest of all tensors of each file of a checkpoint. */
using FileDigests = std::map<const File*, Digest128>;

/**
 * The files of an MLX-format model directory: config.json and one or several safetensors. Opening reads and checks the
 * headers only. Everything is our own reading: a short read or a damaged header is an error here, and never an array
 * with foreign bytes in it. Knows nothing of MLX.
 */
class Checkpoint {
 public:
  /** Throws MODEL_NOT_FOUND, MODEL_INCOMPLETE, MODEL_CORRUPT, MODEL_UNSUPPORTED or IO_FAILURE. */
  explicit Checkpoint(const std::string& directory);

  const ModelConfig& config() const { return config_; }
  /** By the names that a model of text alone has, without the parts that text does not need (tensor_names.h). */
  const std::map<std::string, StoredTensor>& tensors() const { return tensors_; }

  const StoredTensor* Find(const std::string& name) const;

  const std::vector<std::unique_ptr<File>>& files() const { return files_; }

  /** The id of weights whose files have these digests: hex. */
  std::string IdOf(const FileDigests& digests) const;

  /**
   * Throws MODEL_CORRUPT when a file was written or replaced since it was opened: what was read may be a part of one
   * model and a part of another.
   */
  void RequireUnchanged() const;

 private:
  void AddFile(const std::string& directory, const std::string& name);

  std::string config_text_;
  ModelConfig config_;
  std::vector<std::unique_ptr<File>> files_;
  std::vector<FileStamp> stamps_;  // of each file, when it was opened
  std::map<std::string, StoredTensor> tensors_;
};

/** Fills `into` from a tensor's bytes. Throws MODEL_INCOMPLETE when the file ends first. */
void ReadStored(const StoredTensor& tensor, uint64_t from, std::span<std::byte> into);

}  // namespace resident
