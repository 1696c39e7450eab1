#pragma once
#include <string>
#include <string_view>

#include "core/grammar.h"

namespace resident {

/**
 * Whether a grammar's text is one that the compiler can be given: not too long, and brackets not nested too deep, those
 * in patterns included, since the compiler follows them with its stack. Throws INVALID_REQUEST.
 */
void CheckGrammarText(GrammarKind kind, std::string_view text);

/** The names that a grammar's text has in it, however often they are quoted there. */
class NamesIn {
 public:
  explicit NamesIn(std::string_view text);
  /** Not an empty word. */
  bool Has(std::string_view word) const;

 private:
  std::string bare_;
};

}  // namespace resident
