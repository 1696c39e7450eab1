#include "binding/arguments.h"
#include "binding/grammar_object.h"
#include "binding/methods.h"
#include "binding/results.h"
#include "core/processors.h"

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

void DefineDispose(Napi::Object object, const EnvironmentPtr& environment, void (Engine::*drop)(Handle), Handle handle,
                   bool ends_runs) {
  const auto disposed = std::make_shared<bool>(false);
  DefineAsyncMethod(object, "dispose", [=](const Napi::CallbackInfo& info) {
    // Only once: later there may be work on a successor.
    if (!std::exchange(*disposed, true) && ends_runs) environment->calls().AbortLongWork();
    const Calls::Started call = environment->calls().Start(info.Env());
    environment->Submit(MlxThread::Kind::kCall, call, [=](Engine& engine) -> Calls::ToJs {
      (engine.*drop)(handle);
      return {};
    });
    return call.promise;
  });
  object.AddFinalizer(
      [=](Napi::Env, void*) {
        environment->mlx().Post(MlxThread::Kind::kCall, [=](Engine& engine) { (engine.*drop)(handle); });
      },
      static_cast<void*>(nullptr));
}

Napi::Object MakeModel(Napi::Env env, const EnvironmentPtr& environment, Handle handle, const ModelInfo& model) {
  Napi::Object object = Napi::Object::New(env);
  object.Set("info", ToJs(env, model));

  DefineAsyncMethod(object, "createPool", [environment, handle](const Napi::CallbackInfo& info) {
    const int64_t blocks = ToInteger(info[0], "blocks"), block_tokens = ToInteger(info[1], "blockTokens");
    const int64_t window_blocks = info[2].IsUndefined() ? 0 : ToInteger(info[2], "windowBlocks");
    const Calls::Started call = environment->calls().Start(info.Env());
    environment->Submit(MlxThread::Kind::kCall, call, [=](Engine& engine) -> Calls::ToJs {
      const Handle pool = engine.CreatePool(handle, blocks, block_tokens, window_blocks);
      const int threads = engine.Info(handle).back_end.threads;
      const PoolParts parts{.handle = pool,
                            .shape = engine.Shape(pool),
                            .access = engine.Access(pool),
                            .has_model = true,
                            .takes_all_processors = threads >= UsableProcessors()};
      return [=](Napi::Env js) { return MakePool(js, environment, parts); };
    });
    return call.promise;
  });

  DefineGrammars(object, environment, model.config.vocab_size);
  DefineDispose(object, environment, &Engine::UnloadModel, handle, true);
  return object;
}

}  // namespace resident
