#include "binding/arguments.h"
#include "binding/methods.h"
#include "binding/results.h"

namespace resident {

Napi::Object MakeTask(Napi::Env env, const Calls::Started& call) {
  Napi::Object task = Napi::Object::New(env);
  task.Set("result", call.promise);
  DefineMethod(task, "cancel", [flags = call.flags](const Napi::CallbackInfo& info) {
    flags->cancelled = true;
    return info.Env().Undefined();
  });
  return task;
}

Napi::Object MakeModel(Napi::Env env, const EnvironmentPtr& environment, Handle handle, const ModelInfo& model) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("info", ToJs(env, model));

  DefineAsyncMethod(object, "createPool", [environment, handle](const Napi::CallbackInfo& info) {
    const int64_t blocks = ToInteger(info[0], "blocks"), block_tokens = ToInteger(info[1], "blockTokens");
    const Calls::Started call = environment->calls().Start(info.Env());
    environment->Submit(MlxThread::Kind::kCall, call, [=](Engine& engine) -> Calls::ToJs {
      const Handle pool = engine.CreatePool(handle, blocks, block_tokens);
      return [=, geometry = engine.Geometry(pool)](Napi::Env js) {
        return MakePool(js, environment, pool, geometry, true);
      };
    });
    return call.promise;
  });

  DefineAsyncMethod(object, "dispose", [environment, handle](const Napi::CallbackInfo& info) {
    environment->calls().AbortAll();
    const Calls::Started call = environment->calls().Start(info.Env());
    environment->Submit(MlxThread::Kind::kCall, call, [handle](Engine& engine) -> Calls::ToJs {
      engine.UnloadModel(handle);
      return {};
    });
    return call.promise;
  });

  object.AddFinalizer(
      [environment, handle](Napi::Env, void*) {
        environment->mlx().Post(MlxThread::Kind::kCall, [handle](Engine& engine) { engine.UnloadModel(handle); });
      },
      static_cast<void*>(nullptr));
  return object;
}

}  // namespace resident
