#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "binding/arguments.h"
#include "binding/methods.h"
#include "core/error.h"

namespace resident {
namespace {

/** Returns 0 or the system's error number. */
int Sync(int descriptor) {
#if defined(__APPLE__)
  // Nothing that is written later overtakes it, in about a quarter of the time of F_FULLFSYNC, which empties the
  // drive's own memory. Some file systems know only the latter, or neither.
  if (::fcntl(descriptor, F_BARRIERFSYNC) == 0) return 0;
  if (errno != ENOTSUP && errno != EINVAL && errno != ENOTTY) return errno;
  if (::fcntl(descriptor, F_FULLFSYNC) == 0) return 0;
  if (errno != ENOTSUP && errno != EINVAL && errno != ENOTTY) return errno;
#endif
  while (::fsync(descriptor) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

/** Waits on a thread of Node's own: the I/O threads may be busy with blocks, and a message waits for this. */
class SyncWorker : public Napi::AsyncWorker {
 public:
  SyncWorker(Napi::Env env, int descriptor, std::string path)
      : AsyncWorker(env, "resident.syncFile"),
        deferred_(Napi::Promise::Deferred::New(env)),
        descriptor_(descriptor),
        path_(std::move(path)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }

  void Execute() override { error_number_ = Sync(descriptor_); }

  void OnOK() override {
    if (error_number_ == 0) return deferred_.Resolve(Env().Undefined());
    deferred_.Reject(ToJsError(Env(), IoError("syncing", path_, error_number_)).Value());
  }

 private:
  Napi::Promise::Deferred deferred_;
  int descriptor_;
  std::string path_;
  int error_number_ = 0;
};

}  // namespace

Napi::Value SyncFile(const Napi::CallbackInfo& info) {
  const int descriptor = ToInt32(info[0], "descriptor");
  // It frees itself when it is done.
  auto* worker = new SyncWorker(info.Env(), descriptor, ToText(info[1], "path"));
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

}  // namespace resident
