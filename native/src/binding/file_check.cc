#include "binding/arguments.h"
#include "binding/methods.h"
#include "binding/results.h"
#include "core/block_file.h"

namespace resident {
namespace {

Calls::ToJs CheckToJs(CheckedBlock checked) {
  return [checked = std::move(checked)](Napi::Env env) {
    Napi::Object object = Napi::Object::New(env), metadata = Napi::Object::New(env);
    for (const auto& [key, value] : checked.metadata) metadata.Set(key, value);
    object.Set("metadata", metadata);
    object.Set("bytes", double(checked.file_bytes));
    if (checked.refusal) object.Set("refused", ToJs(env, checked.refusal));
    return object;
  };
}

}  // namespace

Napi::Value CheckFile(const EnvironmentPtr& environment, const Napi::CallbackInfo& info) {
  const std::string path = ToText(info[0], "path");
  const Calls::Started call = environment->calls().Start(info.Env());
  environment->io().Post([&environment = *environment, id = call.id, path] {
    try {
      environment.calls().Resolve(id, CheckToJs(CheckBlockFile(path, [&io = environment.io()] { io.Rest(); })));
    } catch (...) {
      environment.calls().Reject(id, CurrentError());
    }
  });
  return call.promise;
}

}  // namespace resident
