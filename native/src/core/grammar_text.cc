#include "core/grammar_text.h"

#include <algorithm>

#include "core/error.h"

namespace resident {
namespace {

/**
 * How deep brackets are nested, an upper bound of every parser's depth: those of JSON, and within one of its strings,
 * which may be a pattern, those of the string.
 */
int DepthOf(bool is_json, std::string_view text) {
  int depth = 0, in_string = 0, deepest = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (is_json && c == '\\') ++i;
    if (is_json && c == '"') {
      quoted = !quoted;
      in_string = 0;
    }
    int& of = quoted ? in_string : depth;
    if (c == '{' || c == '[' || c == '(') ++of;
    if (c == '}' || c == ']' || c == ')') of = std::max(0, of - 1);
    deepest = std::max(deepest, depth + in_string);
  }
  return deepest;
}

/** A text in JSON in a string of EBNF differs from itself in its backslashes. */
std::string Bare(std::string_view text) {
  std::string bare(text);
  std::erase(bare, '\\');
  return bare;
}

}  // namespace

void CheckGrammarText(GrammarKind kind, std::string_view text) {
  if (text.size() > kMostGrammarBytes) {
    throw Error(
        ErrorCode::kInvalidRequest,
        "a grammar of " + std::to_string(text.size()) + " bytes is larger than " + std::to_string(kMostGrammarBytes),
        {{"bytes", double(text.size())}, {"mostBytes", double(kMostGrammarBytes)}});
  }
  const int depth = DepthOf(kind != GrammarKind::kEbnf, text);
  if (depth > kMostGrammarDepth) {
    throw Error(ErrorCode::kInvalidRequest,
                "a grammar's brackets are nested " + std::to_string(depth) + " deep, more than " +
                    std::to_string(kMostGrammarDepth),
                {{"depth", double(depth)}, {"mostDepth", double(kMostGrammarDepth)}});
  }
}

NamesIn::NamesIn(std::string_view text) : bare_(Bare(text)) {}

bool NamesIn::Has(std::string_view word) const { return !word.empty() && bare_.find(Bare(word)) != std::string::npos; }

}  // namespace resident
