#include "binding/environment.h"

namespace resident {

std::shared_ptr<Environment> Environment::Create(Napi::Env env) {
  std::shared_ptr<Environment> environment(new Environment(env));
  // Hooks run last in, first out: this one comes before the channel's own, so no thread calls into a closed channel.
  env.AddCleanupHook([environment] { environment->Shutdown(); });
  return environment;
}

void Environment::Shutdown() {
  calls_.AbortLongWork();
  mlx_.Stop();
  io_.Stop();
  calls_.Close();
}

}  // namespace resident
