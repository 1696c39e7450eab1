#pragma once
// Of xgrammar, for the files that know it; nobody else includes this.
#include <xgrammar/compiler.h>

#include <exception>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "core/error.h"
#include "core/grammar.h"

namespace resident {

struct Vocabulary::Sorted {
  xgrammar::TokenizerInfo words;
};

struct Grammar::Compiled {
  xgrammar::CompiledGrammar grammar;
};

/** What the library throws that is none of ours becomes an Error of `code`. */
template <typename Ask>
auto AskLibrary(Ask ask, ErrorCode code = ErrorCode::kNativeFailure) -> std::invoke_result_t<Ask> {
  try {
    return ask();
  } catch (const Error&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::runtime_error& error) {
    // Not what a class of the library's makes of it, with the time and the line of a source.
    throw Error(code, std::string("the grammar: ") + error.std::runtime_error::what());
  } catch (const std::exception& error) {
    throw Error(code, std::string("the grammar: ") + error.what());
  }
}

/**
 * For the time of a compilation on this thread: LookAtCompilation throws
 * INVALID_REQUEST when the time is over and ABORTED when `stopped` says so, which outlives this.
 */
class CompileWatch {
 public:
  CompileWatch(double most_seconds, const std::function<bool()>& stopped);
  ~CompileWatch();
  CompileWatch(const CompileWatch&) = delete;
  CompileWatch& operator=(const CompileWatch&) = delete;
};

/** The library calls it before each of a grammar's places. Where no compilation is watched it does nothing. */
void LookAtCompilation();

}  // namespace resident
