#pragma once
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace resident {

/** What a model's ids stand for, as TypeScript hands it over. */
struct Words {
  /** The bytes of all ids, one after the other. */
  std::vector<uint8_t> bytes;
  /** Where in `bytes` each id's end, from id 0 on; ids behind the last one have none. */
  std::vector<int32_t> ends;
  /** Ids that are no text: turn marks. Their bytes are their names. */
  std::vector<int32_t> control_ids;
  /** Other ids that text is not split into unless they are meant: marks of tools and thoughts. */
  std::vector<int32_t> mark_ids;
};

/**
 * The words of one model, sorted for the compiler of grammars. Made once for each model; immutable, and shared by its
 * grammars.
 */
class Vocabulary {
 public:
  /** Throws INVALID_REQUEST. Takes some 100 ms for 150,000 words. */
  Vocabulary(Words words, int size);
  ~Vocabulary();

  /** How many logits a row has; ids without words count. */
  int size() const { return size_; }
  /** Empty for an id that has none. */
  std::string_view WordOf(int32_t id) const;
  const std::vector<int32_t>& control_ids() const { return words_.control_ids; }
  const std::vector<int32_t>& mark_ids() const { return words_.mark_ids; }

  /** For the compiler. */
  struct Sorted;
  const Sorted& sorted() const { return *sorted_; }

 private:
  Words words_;
  int size_;
  std::unique_ptr<const Sorted> sorted_;
};

}  // namespace resident
