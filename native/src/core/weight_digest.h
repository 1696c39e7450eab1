#pragma once
#include <functional>
#include <map>
#include <set>
#include <string>

#include "core/checkpoint.h"
#include "core/hash.h"

namespace resident {

/**
 * Digests of all tensors of a checkpoint that text needs, added in any order while the tensors are read. The digest of a file is the
 * sum of those of its tensors (name, element type, shape and every byte), and the id of the weights hashes config.json
 * and the sum of its files: neither depends on the order of reading nor on how the tensors are spread over files.
 */
class WeightDigest {
 public:
  explicit WeightDigest(const Checkpoint& checkpoint);

  /** `data` has seen all bytes of the tensor. A tensor that was added before is not added again. */
  void Add(const StoredTensor& tensor, const Hash128& data);

  /** Reads and adds the tensors that are not added yet. `before_piece` is called often and may throw. */
  void AddRest(const std::function<void()>& before_piece);

  /** Once all tensors are added. */
  std::string Id() const { return checkpoint_.IdOf(files_); }
  const FileDigests& files() const { return files_; }

 private:
  const Checkpoint& checkpoint_;
  std::set<std::string> added_;
  FileDigests files_;
};

/** How much of a tensor is read at once: small enough to be hashed while it is in the processor's cache. */
constexpr uint64_t kPieceBytes = uint64_t(1) << 20;

}  // namespace resident
