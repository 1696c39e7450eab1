#include "binding/environment.h"

#include <vector>

namespace resident {

namespace {

/** The environments of this thread: a module that is loaded several times has as many. */
thread_local std::vector<Environment*> environments;

/**
 * `process.exit()` on the main thread runs no cleanup hooks: it destroys the libraries' statics, MLX's allocator among
 * them, under a thread that is still computing. Node tells its "exit" listeners before that.
 */
void ListenForExit(Napi::Env env) {
  const Napi::Object process = env.Global().Get("process").As<Napi::Object>();
  const auto shut_down = [](const Napi::CallbackInfo&) {
    for (Environment* environment : environments) environment->Shutdown();
  };
  process.Get("on").As<Napi::Function>().Call(
      process, {Napi::String::New(env, "exit"), Napi::Function::New(env, shut_down, "shutDown")});
}

}  // namespace

std::shared_ptr<Environment> Environment::Create(Napi::Env env) {
  std::shared_ptr<Environment> environment(new Environment(env));
  if (environments.empty()) ListenForExit(env);
  environments.push_back(environment.get());
  // Hooks run last in, first out: this one comes before the channel's own, so no thread calls into a closed channel.
  env.AddCleanupHook([environment] {
    std::erase(environments, environment.get());
    environment->Shutdown();
  });
  return environment;
}

void Environment::Shutdown() {
  calls_.AbortLongWork();
  mlx_.Stop();
  io_.Stop();
  compiler_.Stop();
  calls_.Close();
}

}  // namespace resident
