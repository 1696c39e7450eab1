#include "binding/calls.h"

#include <new>

#include "core/mlx_failures.h"

namespace resident {

Calls::Calls(Napi::Env env) : channel_(Channel::New(env, "resident", 0, 1)) { channel_.Unref(env); }

Calls::Started Calls::Start(Napi::Env env, Napi::Function callback) {
  if (closed_) throw Error(ErrorCode::kAborted, "the environment is shutting down");
  if (pending_.empty()) channel_.Ref(env);  // work under way keeps the event loop alive
  const CallId id = next_id_++;
  auto deferred = Napi::Promise::Deferred::New(env);
  Pending pending{deferred, {}, std::make_shared<StopFlags>(), {}};
  if (!callback.IsEmpty()) pending.callback = Napi::Persistent(callback);
  const Started started{id, deferred.Promise(), pending.flags};
  pending_.emplace(id, std::move(pending));
  return started;
}

void Calls::AbortLongWork() {
  for (auto& [id, pending] : pending_) {
    if (!pending.callback.IsEmpty()) pending.flags->aborted = true;
  }
}

void Calls::Close() {
  if (closed_) return;
  closed_ = true;
  pending_.clear();
  channel_.Release();
}

void Calls::Send(Message message) {
  auto owned = std::make_unique<Message>(std::move(message));
  if (channel_.NonBlockingCall(owned.get()) == napi_ok) owned.release();
}

void Calls::Deliver(Napi::Env env, Napi::Function, std::nullptr_t*, Message* message) {
  const std::unique_ptr<Message> owned(message);
  if (env == nullptr) return;  // the environment is being torn down
  try {
    (*owned)(env);
  } catch (const Napi::Error&) {
    // A worker that is being terminated makes no values and settles no promises. Nobody is left to hear of it, and an
    // exception that leaves here would end the whole process.
  }
}

void Calls::Settle(CallId id, Napi::Env env, const std::function<void(Pending&)>& settle) {
  const auto found = pending_.find(id);
  if (found == pending_.end()) return;
  Pending pending = std::move(found->second);
  pending_.erase(found);
  if (pending_.empty() && !closed_) channel_.Unref(env);
  if (!pending.failure.IsEmpty()) {
    pending.deferred.Reject(pending.failure.Value());
  } else {
    settle(pending);
  }
}

void Calls::Resolve(CallId id, ToJs to_js) {
  Send([this, id, to_js = std::move(to_js)](Napi::Env env) {
    Settle(id, env, [&](Pending& pending) {
      try {
        pending.deferred.Resolve(to_js ? to_js(env) : env.Undefined());
      } catch (const Napi::Error& error) {
        pending.deferred.Reject(error.Value());
      } catch (...) {
        pending.deferred.Reject(ToJsError(env, CurrentError()).Value());
      }
    });
  });
}

void Calls::Reject(CallId id, Error error) {
  Send([this, id, error = std::move(error)](Napi::Env env) {
    Settle(id, env, [&](Pending& pending) { pending.deferred.Reject(ToJsError(env, error).Value()); });
  });
}

void Calls::Notify(CallId id, ToArguments arguments) {
  Send([this, id, arguments = std::move(arguments)](Napi::Env env) {
    const auto found = pending_.find(id);
    if (found == pending_.end() || !found->second.failure.IsEmpty()) return;
    const std::shared_ptr<StopFlags> flags = found->second.flags;
    try {
      found->second.callback.Call(arguments(env));
    } catch (const Napi::Error& error) {
      flags->cancelled = true;
      // The callback may have started calls: look again.
      if (const auto again = pending_.find(id); again != pending_.end()) {
        again->second.failure = Napi::Persistent(error.Value());
      }
    }
  });
}

Napi::Object FactsToJs(Napi::Env env, const Error& error) {
  Napi::Object facts = Napi::Object::New(env);
  for (const Fact& fact : error.facts()) {
    if (const double* number = std::get_if<double>(&fact.value)) {
      facts.Set(fact.name, *number);
    } else {
      facts.Set(fact.name, std::get<std::string>(fact.value));
    }
  }
  return facts;
}

Napi::Error ToJsError(Napi::Env env, const Error& error) {
  Napi::Error js = Napi::Error::New(env, error.what());
  js.Set("code", ErrorCodeName(error.code()));
  js.Set("facts", FactsToJs(env, error));
  return js;
}

Error CurrentError() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (const std::bad_alloc&) {
    return Error(ErrorCode::kOutOfMemory, "an allocation failed");
  } catch (const std::exception& error) {
    return FromMlx(error.what());
  } catch (...) {
    return Error(ErrorCode::kNativeFailure, "an unknown failure");
  }
}

Error WithContents(Error error, Contents contents) {
  error.AddFact({"contents", std::string(ContentsName(contents))});
  return error;
}

}  // namespace resident
