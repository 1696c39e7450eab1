#pragma once
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace resident {

/** A set of a model's ids, one bit each. */
class IdSet {
 public:
  explicit IdSet(int size) : words_((size_t(size) + 31) / 32), size_(size) {}

  int size() const { return size_; }
  bool Has(int32_t id) const { return (words_[size_t(id) / 32] >> (size_t(id) % 32) & 1) != 0; }
  void Set(int32_t id, bool in) {
    uint32_t& word = words_[size_t(id) / 32];
    const uint32_t bit = uint32_t(1) << (size_t(id) % 32);
    word = in ? word | bit : word & ~bit;
  }
  /** Drops what is not in the other one, of the same size. */
  void Keep(const IdSet& other) {
    for (size_t i = 0; i < words_.size(); ++i) words_[i] &= other.words_[i];
  }
  bool operator==(const IdSet&) const = default;

  int Count() const {
    int count = 0;
    for (const uint32_t word : words_) count += std::popcount(word);
    return count;
  }
  /** −1 in an empty set. */
  int32_t First() const {
    const auto found = std::find_if(words_.begin(), words_.end(), [](uint32_t word) { return word != 0; });
    return found == words_.end() ? -1 : int32_t(found - words_.begin()) * 32 + std::countr_zero(*found);
  }

  /** Bit i of word i / 32, the lowest first. Bits behind the last id are 0. */
  std::vector<uint32_t>& words() { return words_; }
  const std::vector<uint32_t>& words() const { return words_; }

 private:
  std::vector<uint32_t> words_;
  int size_;
};

}  // namespace resident
