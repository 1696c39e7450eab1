#include "core/error.h"

#include <cerrno>
#include <system_error>

namespace resident {

const char* ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidRequest:
      return "INVALID_REQUEST";
    case ErrorCode::kOutOfMemory:
      return "OUT_OF_MEMORY";
    case ErrorCode::kModelNotFound:
      return "MODEL_NOT_FOUND";
    case ErrorCode::kModelIncomplete:
      return "MODEL_INCOMPLETE";
    case ErrorCode::kModelCorrupt:
      return "MODEL_CORRUPT";
    case ErrorCode::kModelUnsupported:
      return "MODEL_UNSUPPORTED";
    case ErrorCode::kStoreCorrupt:
      return "STORE_CORRUPT";
    case ErrorCode::kDiskFull:
      return "DISK_FULL";
    case ErrorCode::kIoFailure:
      return "IO_FAILURE";
    case ErrorCode::kAborted:
      return "ABORTED";
    case ErrorCode::kNativeFailure:
      return "NATIVE_FAILURE";
  }
  return "NATIVE_FAILURE";
}

Error IoError(const std::string& doing, const std::string& path, int error_number) {
  const bool full = error_number == ENOSPC || error_number == EDQUOT;
  return Error(full ? ErrorCode::kDiskFull : ErrorCode::kIoFailure,
               doing + " " + path + " failed: " + std::system_category().message(error_number),
               {{"path", path}, {"errno", double(error_number)}});
}

void RefuseRequest(const std::string& what, std::vector<Fact> facts) {
  throw Error(ErrorCode::kInvalidRequest, what, std::move(facts));
}

Error AbortedError() { return Error(ErrorCode::kAborted, "the work was cancelled"); }

}  // namespace resident
