#include "core/grammar_library.h"

#include <lark_converter.h>
#include <support/logging.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace resident {
namespace {

using Clock = std::chrono::steady_clock;

struct Watch {
  Clock::time_point until;
  const std::function<bool()>* stopped;
};

/** Of the compilation on this thread. */
thread_local const Watch* watch = nullptr;

}  // namespace

CompileWatch::CompileWatch(double most_seconds, const std::function<bool()>& stopped) {
  const auto length = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(most_seconds));
  watch = new Watch{Clock::now() + length, &stopped};
}

CompileWatch::~CompileWatch() { delete std::exchange(watch, nullptr); }

void LookAtCompilation() {
  if (watch == nullptr) return;
  if (*watch->stopped && (*watch->stopped)()) throw AbortedError();
  if (Clock::now() < watch->until) return;
  throw Error(ErrorCode::kInvalidRequest,
              "the grammar takes more than " + std::to_string(int(kMostCompileSeconds)) + " seconds to compile",
              {{"mostSeconds", kMostCompileSeconds}});
}

}  // namespace resident

// What xgrammar leaves to those who bring their own log (XGRAMMAR_LOG_CUSTOMIZE). Its checks of what it is given end
// here too: they must throw what it catches itself, and nothing may be printed.
namespace xgrammar {

[[noreturn]] void LogFatalImpl(const std::string& file, int line, const std::string& message) {
  throw LogFatalError(file, line, message);
}

void LogMessageImpl(const std::string&, int, int, const std::string&) {}

// Its own is not compiled (CMakeLists.txt).
Grammar LarkToGrammar(const std::string&, const std::optional<TokenizerInfo>&, const std::vector<NamedGrammar>&) {
  throw resident::Error(resident::ErrorCode::kInvalidRequest, "a grammar cannot be in Lark's syntax");
}

}  // namespace xgrammar
