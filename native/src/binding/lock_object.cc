#include "binding/methods.h"
#include "core/file.h"

namespace resident {

Napi::Value MakeLock(Napi::Env env, const std::string& path) {
  auto file = std::make_shared<std::optional<File>>(File::OpenLock(path));
  if (!(*file)->TryLock()) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  // Held by the method's closure: until release, or until the object is collected or the environment ends.
  DefineMethod(object, "release", [file](const Napi::CallbackInfo& info) {
    file->reset();
    return info.Env().Undefined();
  });
  return object;
}

}  // namespace resident
