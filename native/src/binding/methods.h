#pragma once
#include <napi.h>

#include <memory>
#include <utility>

#include "binding/environment.h"

namespace resident {

using EnvironmentPtr = std::shared_ptr<Environment>;

/** Defines a method that throws our errors as JavaScript errors with code and facts. */
template <typename Body>
void DefineMethod(Napi::Object object, const char* name, Body body) {
  const auto guarded = [body = std::move(body)](const Napi::CallbackInfo& info) -> Napi::Value {
    try {
      return body(info);
    } catch (const Napi::Error&) {
      throw;
    } catch (...) {
      throw ToJsError(info.Env(), CurrentError());
    }
  };
  object.Set(name, Napi::Function::New(object.Env(), guarded, name));
}

/** Defines a method that gives a promise; wrong arguments reject it too. */
template <typename Body>
void DefineAsyncMethod(Napi::Object object, const char* name, Body body) {
  const auto guarded = [body = std::move(body)](const Napi::CallbackInfo& info) -> Napi::Value {
    try {
      return body(info);
    } catch (const Napi::Error&) {
      throw;
    } catch (...) {
      auto deferred = Napi::Promise::Deferred::New(info.Env());
      deferred.Reject(ToJsError(info.Env(), CurrentError()).Value());
      return deferred.Promise();
    }
  };
  object.Set(name, Napi::Function::New(object.Env(), guarded, name));
}

/** `NativeTask` of src/native/binding.ts: the promise, and a way to cancel. */
Napi::Object MakeTask(Napi::Env env, const Calls::Started& call);

/** Defines `dispose`, which aborts the work under way. An object that is collected without it is dropped too. */
void DefineDispose(Napi::Object object, const EnvironmentPtr& environment, void (Engine::*drop)(Handle), Handle handle,
                   bool ends_runs);

/** What a pool's object needs to know of it. */
struct PoolParts {
  Handle handle;
  PoolShape shape;
  /** The pool's memory for the I/O threads; null where they must not touch it. */
  std::shared_ptr<SlabAccess> access;
  bool has_model;
  /** Its model's steps take every processor. */
  bool takes_all_processors;
};

/** `NativeModel` and `NativePool` as objects. */
Napi::Object MakeModel(Napi::Env env, const EnvironmentPtr& environment, Handle handle, const ModelInfo& info);
Napi::Object MakePool(Napi::Env env, const EnvironmentPtr& environment, const PoolParts& pool);
/** `BlockFileCheck` of the block file at a path, read on an I/O thread. */
Napi::Value CheckFile(const EnvironmentPtr& environment, const Napi::CallbackInfo& info);
/** Puts an open file's bytes on disk, on a thread of Node's own. */
Napi::Value SyncFile(const Napi::CallbackInfo& info);
/** Sets an extended attribute of a file or folder. */
Napi::Value SetAttribute(const Napi::CallbackInfo& info);
/** `NativeLock`, or undefined when another holder has it. */
Napi::Value MakeLock(Napi::Env env, const std::string& path);

}  // namespace resident
