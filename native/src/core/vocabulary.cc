#include "core/vocabulary.h"

#include <string>
#include <utility>

#include "core/error.h"
#include "core/grammar_library.h"

namespace resident {
namespace {

void Check(const Words& words, int size) {
  if (words.ends.size() > size_t(size)) {
    RefuseRequest("there are more words than the model has ids",
                  {{"words", double(words.ends.size())}, {"vocabSize", double(size)}});
  }
  int64_t before = 0;
  for (const int32_t end : words.ends) {
    if (end < before || size_t(end) > words.bytes.size()) RefuseRequest("the ends of the words are not in order");
    before = end;
  }
  for (const auto* ids : {&words.control_ids, &words.mark_ids}) {
    for (const int32_t id : *ids) {
      if (id < 0 || id >= size) RefuseRequest("a mark is outside the vocabulary", {{"id", double(id)}});
    }
  }
}

std::string_view WordAt(const Words& words, size_t id) {
  if (id >= words.ends.size()) return {};
  const size_t begin = id == 0 ? 0 : size_t(words.ends[id - 1]);
  return {reinterpret_cast<const char*>(words.bytes.data()) + begin, size_t(words.ends[id]) - begin};
}

}  // namespace

Vocabulary::Vocabulary(Words words, int size) : words_(std::move(words)), size_(size) {
  Check(words_, size);
  std::vector<std::string> list;
  list.reserve(words_.ends.size());
  for (size_t id = 0; id < words_.ends.size(); ++id) list.emplace_back(WordAt(words_, id));
  // Stop ids are each answer's own matter (GrammarState).
  sorted_ = AskLibrary([&] {
    return std::unique_ptr<const Sorted>(
        new Sorted{xgrammar::TokenizerInfo(list, xgrammar::VocabType::RAW, size, std::vector<int32_t>{})});
  });
}

Vocabulary::~Vocabulary() = default;

std::string_view Vocabulary::WordOf(int32_t id) const { return WordAt(words_, size_t(id)); }

}  // namespace resident
