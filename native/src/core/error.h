#pragma once
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace resident {

/** The codes of `NativeErrorCode` in src/native/binding.ts. */
enum class ErrorCode {
  kInvalidRequest,
  kOutOfMemory,
  kModelNotFound,
  kModelIncomplete,
  kModelCorrupt,
  kModelUnsupported,
  kStoreCorrupt,
  kDiskFull,
  kIoFailure,
  kAborted,
  kNativeFailure,
};

const char* ErrorCodeName(ErrorCode code);

/** A number or a name that belongs to a failure. */
struct Fact {
  std::string name;
  std::variant<double, std::string> value;
};

/** A failure with a stable code. `what()` is one sentence that says what happened; advice is given by TypeScript. */
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& what, std::vector<Fact> facts = {})
      : std::runtime_error(what), code_(code), facts_(std::move(facts)) {}

  ErrorCode code() const { return code_; }
  const std::vector<Fact>& facts() const { return facts_; }
  /** For callers that know more than where it was thrown, such as the sequence of a batch. */
  void AddFact(Fact fact) { facts_.push_back(std::move(fact)); }

 private:
  ErrorCode code_;
  std::vector<Fact> facts_;
};

/** A failed system call on `path`: DISK_FULL for a full disk or quota, otherwise IO_FAILURE; facts: path, errno. */
Error IoError(const std::string& doing, const std::string& path, int error_number);

/** Throws INVALID_REQUEST: `what` is wrong with what was asked for. */
[[noreturn]] void RefuseRequest(const std::string& what, std::vector<Fact> facts = {});

/** The error of a job that was stopped on request. */
Error AbortedError();

}  // namespace resident
