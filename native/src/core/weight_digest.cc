#include "core/weight_digest.h"

#include <algorithm>
#include <vector>

namespace resident {

WeightDigest::WeightDigest(const Checkpoint& checkpoint) : checkpoint_(checkpoint) {
  for (const auto& file : checkpoint.files()) files_[file.get()];  // one may hold nothing that text needs
}

void WeightDigest::Add(const StoredTensor& tensor, const Hash128& data) {
  if (!added_.insert(tensor.name).second) return;
  std::string text = std::to_string(tensor.name.size()) + ":" + tensor.name + " " + tensor.entry.dtype_name;
  for (const int64_t size : tensor.entry.shape) text += " " + std::to_string(size);
  Hash128 hash;
  hash.Update(AsBytes(text + " " + data.Hex()));
  Digest128& sum = files_[tensor.file];
  sum = sum + hash.Digest();
}

void WeightDigest::AddRest(const std::function<void()>& before_piece) {
  std::vector<std::byte> piece(kPieceBytes);
  for (const auto& [name, tensor] : checkpoint_.tensors()) {
    if (added_.contains(tensor.name)) continue;
    Hash128 data;
    const uint64_t bytes = tensor.entry.SizeBytes();
    for (uint64_t from = 0; from < bytes; from += kPieceBytes) {
      before_piece();
      const std::span<std::byte> part = std::span(piece).first(size_t(std::min(kPieceBytes, bytes - from)));
      ReadStored(tensor, from, part);
      data.Update(part);
    }
    Add(tensor, data);
  }
}

}  // namespace resident
