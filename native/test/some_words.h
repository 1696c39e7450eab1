#pragma once
#include <memory>
#include <string>
#include <vector>

#include "core/vocabulary.h"

/** A small vocabulary for grammars: every byte, some longer words, marks, and ids that stand for nothing. */
struct SomeWords {
  static constexpr int kEnd = 256;  // a control id: the answer's end

  explicit SomeWords(int more = 0) {
    for (int byte = 0; byte < 256; ++byte) list.emplace_back(1, char(byte));
    for (const char* mark : {"<|end|>", "<|start|>", "<call>", "</call>"}) {
      (list.size() < kEnd + 2 ? control_ids : mark_ids).push_back(int32_t(list.size()));
      list.emplace_back(mark);
    }
    for (const char* word : {"{\"", "\":", "\", \"", "\"}",  "true", "false", "null", "name",     " the",  " a",
                             "ing", "12",  "é",      "\n\n", "  ",   "}}",    "]}",   "\xe2\x82", "call>", "<c"}) {
      list.emplace_back(word);
    }
    for (int i = 0; i < more; ++i) list.push_back("w" + std::to_string(i));
    list.insert(list.end(), 5, "");
  }

  int size() const { return int(list.size()) + 3; }  // the model has more ids than there are words

  resident::Words words() const {
    resident::Words words;
    for (const std::string& word : list) {
      words.bytes.insert(words.bytes.end(), word.begin(), word.end());
      words.ends.push_back(int32_t(words.bytes.size()));
    }
    words.control_ids = control_ids;
    words.mark_ids = mark_ids;
    return words;
  }

  std::shared_ptr<const resident::Vocabulary> vocabulary() const {
    return std::make_shared<const resident::Vocabulary>(words(), size());
  }

  /** One id after the other, each the longest word. */
  std::vector<int32_t> Encode(const std::string& text) const {
    std::vector<int32_t> ids;
    for (size_t at = 0; at < text.size(); at += list[size_t(ids.back())].size()) {
      int32_t best = int32_t(static_cast<unsigned char>(text[at]));
      for (size_t id = 0; id < list.size(); ++id) {
        if (list[id].size() > list[size_t(best)].size() && text.compare(at, list[id].size(), list[id]) == 0) {
          best = int32_t(id);
        }
      }
      ids.push_back(best);
    }
    return ids;
  }

  std::string Decode(const std::vector<int32_t>& ids) const {
    std::string text;
    for (const int32_t id : ids) text += id < int(list.size()) && id != kEnd ? list[size_t(id)] : "";
    return text;
  }

  int32_t IdOf(const std::string& word) const {
    for (size_t id = 0; id < list.size(); ++id) {
      if (list[id] == word) return int32_t(id);
    }
    return -1;
  }

  std::vector<std::string> list;
  std::vector<int32_t> control_ids, mark_ids;
};
