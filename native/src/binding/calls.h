#pragma once
#include <napi.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "core/error.h"
#include "core/kv_pool.h"

namespace resident {

/** How a call under way is stopped: `cancelled` by its caller, `aborted` because what it works on goes away. */
struct StopFlags {
  std::atomic<bool> cancelled{false};
  std::atomic<bool> aborted{false};
};

using CallId = uint64_t;

/**
 * The promises that JavaScript waits for, and the one way back to its thread. Promises and callbacks never leave the
 * JavaScript thread: other threads name a call by its id, and messages about a call that is gone are dropped.
 */
class Calls {
 public:
  using ToJs = std::function<Napi::Value(Napi::Env)>;
  using ToArguments = std::function<std::vector<napi_value>(Napi::Env)>;

  /** One call, as the JavaScript thread starts it. */
  struct Started {
    CallId id;
    Napi::Promise promise;
    std::shared_ptr<StopFlags> flags;
  };

  explicit Calls(Napi::Env env);

  // JavaScript thread only.
  /** A call with a callback is long work: it can be cancelled and aborted. */
  Started Start(Napi::Env env, Napi::Function callback = {});
  /** All long work ends with ABORTED at its next look. */
  void AbortLongWork();
  /** Forgets all calls and lets the way back go. Idempotent. */
  void Close();

  // Any thread.
  /** What `to_js` throws rejects the call. */
  void Resolve(CallId id, ToJs to_js);
  void Reject(CallId id, Error error);
  /** Calls the call's callback with these arguments. If it throws, the call is cancelled and rejects with that. */
  void Notify(CallId id, ToArguments arguments);

 private:
  struct Pending {
    Napi::Promise::Deferred deferred;
    Napi::FunctionReference callback;
    std::shared_ptr<StopFlags> flags;
    Napi::ObjectReference failure;  // what the callback threw
  };
  using Message = std::function<void(Napi::Env)>;
  static void Deliver(Napi::Env env, Napi::Function, std::nullptr_t*, Message* message);
  using Channel = Napi::TypedThreadSafeFunction<std::nullptr_t, Message, Deliver>;

  void Send(Message message);
  void Settle(CallId id, Napi::Env env, const std::function<void(Pending&)>& settle);

  Channel channel_;
  bool closed_ = false;
  CallId next_id_ = 1;
  std::unordered_map<CallId, Pending> pending_;
};

Napi::Object FactsToJs(Napi::Env env, const Error& error);

/** A JavaScript Error with `code` and `facts`. */
Napi::Error ToJsError(Napi::Env env, const Error& error);

/** Whatever was thrown, as our own error. Call inside a catch block. */
Error CurrentError();

/** With `contents` among its facts: what became of the pool in a call that failed. */
Error WithContents(Error error, Contents contents);

}  // namespace resident
