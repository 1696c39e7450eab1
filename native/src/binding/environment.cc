#include "binding/environment.h"

namespace resident {

namespace {

/**
 * `process.exit()` on the main thread runs no cleanup hooks: it destroys the libraries' statics, MLX's allocator among
 * them, under a thread that is still computing. Node tells its "exit" listeners before that.
 */
void ShutDownOnExit(Napi::Env env, const std::shared_ptr<Environment>& environment) {
  const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
  const auto shut_down = [environment](const Napi::CallbackInfo&) { environment->Shutdown(); };
  process.Get("on").As<Napi::Function>().Call(
      process, {Napi::String::New(env, "exit"), Napi::Function::New(env, shut_down, "shutDown")});
}

}  // namespace

std::shared_ptr<Environment> Environment::Create(Napi::Env env) {
  std::shared_ptr<Environment> environment(new Environment(env));
  // Hooks run last in, first out: this one comes before the channel's own, so no thread calls into a closed channel.
  env.AddCleanupHook([environment] { environment->Shutdown(); });
  ShutDownOnExit(env, environment);
  return environment;
}

void Environment::Shutdown() {
  calls_.AbortLongWork();
  mlx_.Stop();
  io_.Stop();
  calls_.Close();
}

}  // namespace resident
