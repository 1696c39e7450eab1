#include <napi.h>

#include "binding/arguments.h"
#include "binding/methods.h"
#include "binding/results.h"
#include "core/digest_memory.h"
#include "core/memory.h"
#include "core/sampling_speed.h"

#if defined(__APPLE__)
#include <cstdlib>
#endif

namespace resident {
namespace {

#if defined(RESIDENT_SANITIZE)
constexpr char kSanitizer[] = "address,undefined";
#else
constexpr char kSanitizer[] = "";
#endif

Napi::Value Versions(const Napi::CallbackInfo& info) {
  Napi::Object object = Napi::Object::New(info.Env());
  object.Set("addon", RESIDENT_VERSION);
  object.Set("mlx", MlxVersion());
  object.Set("platform", RESIDENT_PLATFORM);
  object.Set("sanitizer", kSanitizer);
  return object;
}

Napi::Value DeviceInfo(const EnvironmentPtr& environment, const Napi::CallbackInfo& info) {
  const Calls::Started call = environment->calls().Start(info.Env());
  environment->Submit(MlxThread::Kind::kCall, call, [](Engine&) -> Calls::ToJs {
    return [report = DescribeDevice()](Napi::Env env) { return ToJs(env, report); };
  });
  return call.promise;
}

Napi::Value ReadBandwidth(const EnvironmentPtr& environment, const Napi::CallbackInfo& info) {
  const int threads = ToInt32(info[0], "threads");
  const Calls::Started call = environment->calls().Start(info.Env());
  environment->Submit(MlxThread::Kind::kCall, call, [threads](Engine&) -> Calls::ToJs {
    const double bytes_a_second = MeasureReadBandwidth(threads);
    return [=](Napi::Env env) { return Napi::Number::New(env, bytes_a_second); };
  });
  return call.promise;
}

Napi::Value SamplingMs(const EnvironmentPtr& environment, const Napi::CallbackInfo& info) {
  const int rows = ToInt32(info[0], "rows"), words = ToInt32(info[1], "words"), threads = ToInt32(info[2], "threads");
  const Calls::Started call = environment->calls().Start(info.Env());
  environment->Submit(MlxThread::Kind::kCall, call, [=](Engine&) -> Calls::ToJs {
    const double ms = MeasureSampling(rows, words, threads);
    return [=](Napi::Env env) { return Napi::Number::New(env, ms); };
  });
  return call.promise;
}

DeviceChoice ToDevice(const Napi::Value& value) {
  if (value.IsUndefined()) return DeviceChoice::kDefault;
  const std::string name = ToText(value, "device");
  if (name == "cpu") return DeviceChoice::kCpu;
  if (name == "gpu") return DeviceChoice::kGpu;
  throw Error(ErrorCode::kInvalidRequest, "device must be \"cpu\" or \"gpu\"", {{"argument", "device"}});
}

Calls::ToArguments ProgressToJs(uint64_t bytes_read, uint64_t bytes_total) {
  return [=](Napi::Env env) {
    Napi::Object progress = Napi::Object::New(env);
    progress.Set("bytesRead", double(bytes_read));
    progress.Set("bytesTotal", double(bytes_total));
    return std::vector<napi_value>{progress};
  };
}

Napi::Value LoadModel(const EnvironmentPtr& environment, const Napi::CallbackInfo& info) {
  const Napi::Object options = ToObject(info[0], "options");
  const std::string directory = ToText(options.Get("directory"), "directory");
  LoadOptions load{.device = ToDevice(options.Get("device"))};
  if (!options.Get("threads").IsUndefined()) load.threads = ToInt32(options.Get("threads"), "threads");
  if (!options.Get("kvDtype").IsUndefined()) load.kv_dtype = ToKvType(options.Get("kvDtype"), "kvDtype");
  if (!options.Get("home").IsUndefined()) load.home = ToText(options.Get("home"), "home");
  const Calls::Started call = environment->calls().Start(info.Env(), ToFunction(info[1], "onProgress"));
  environment->Submit(
      MlxThread::Kind::kCall, call, [=, id = call.id, flags = call.flags](Engine& engine) -> Calls::ToJs {
        uint64_t reported = 0;
        const LoadHooks hooks{
            .progress =
                [&](uint64_t bytes_read, uint64_t bytes_total) {
                  if (bytes_read < bytes_total && bytes_read - reported < bytes_total / 100)
                    return;  // each percent, and the end
                  reported = bytes_read;
                  environment->calls().Notify(id, ProgressToJs(bytes_read, bytes_total));
                },
            .cancelled = [&] { return flags->cancelled || flags->aborted; },
        };
        const Handle handle = engine.LoadModel(directory, load, hooks);
        return [=, model = engine.Info(handle)](Napi::Env env) -> Napi::Value {
          // Up to here the model can be cancelled: nobody has it yet.
          if (flags->cancelled || flags->aborted) {
            environment->mlx().Post(MlxThread::Kind::kCall, [handle](Engine& e) { e.UnloadModel(handle); });
            throw AbortedError();
          }
          return MakeModel(env, environment, handle, model);
        };
      });
  return MakeTask(info.Env(), call);
}

Napi::Value WeightsId(const EnvironmentPtr& environment, const Napi::CallbackInfo& info) {
  const std::string directory = ToText(info[0], "directory"), home = ToText(info[1], "home");
  const Calls::Started call = environment->calls().Start(info.Env());
  environment->io().Post([calls = &environment->calls(), id = call.id, directory, home] {
    try {
      const std::optional<std::string> weights_id = RememberedId(home, Checkpoint(directory));
      calls->Resolve(id, [weights_id](Napi::Env env) -> Napi::Value {
        return weights_id ? Napi::String::New(env, *weights_id) : env.Undefined();
      });
    } catch (...) {
      calls->Reject(id, CurrentError());
    }
  });
  return call.promise;
}

Napi::Value CreateBarePool(const EnvironmentPtr& environment, const Napi::CallbackInfo& info) {
  const PoolGeometry geometry = ToGeometry(info[0]);
  const Calls::Started call = environment->calls().Start(info.Env());
  environment->Submit(MlxThread::Kind::kCall, call, [environment, geometry](Engine& engine) -> Calls::ToJs {
    const Handle pool = engine.CreateBarePool(geometry);
    const PoolParts parts{.handle = pool,
                          .shape = PoolShape(geometry),
                          .access = engine.Access(pool),
                          .has_model = false,
                          .takes_all_processors = false};
    return [=](Napi::Env env) { return MakePool(env, environment, parts); };
  });
  return call.promise;
}

Napi::Object Initialise(Napi::Env env, Napi::Object exports) {
#if defined(__APPLE__)
  // Metal's encoder counts a scatter's whole slab as touched memory and would end a command buffer after each layer.
  ::setenv("MLX_MAX_MB_PER_BUFFER", "1000000", 0);
#endif
  const EnvironmentPtr environment = Environment::Create(env);
  DefineMethod(exports, "versions", Versions);
  DefineMethod(exports, "samplingRanges",
               [](const Napi::CallbackInfo& info) { return ToJs(info.Env(), sampling_ranges::kAll); });
  DefineMethod(exports, "footprintBytes", [](const Napi::CallbackInfo& info) -> Napi::Value {
    return Napi::Number::New(info.Env(), double(FootprintBytes()));
  });
  DefineAsyncMethod(exports, "deviceInfo",
                    [environment](const Napi::CallbackInfo& info) { return DeviceInfo(environment, info); });
  DefineAsyncMethod(exports, "readBandwidth",
                    [environment](const Napi::CallbackInfo& info) { return ReadBandwidth(environment, info); });
  DefineAsyncMethod(exports, "samplingMs",
                    [environment](const Napi::CallbackInfo& info) { return SamplingMs(environment, info); });
  DefineMethod(exports, "loadModel",
               [environment](const Napi::CallbackInfo& info) { return LoadModel(environment, info); });
  DefineAsyncMethod(exports, "weightsId",
                    [environment](const Napi::CallbackInfo& info) { return WeightsId(environment, info); });
  DefineAsyncMethod(exports, "createBarePool",
                    [environment](const Napi::CallbackInfo& info) { return CreateBarePool(environment, info); });
  DefineAsyncMethod(exports, "checkBlockFile",
                    [environment](const Napi::CallbackInfo& info) { return CheckFile(environment, info); });
  DefineAsyncMethod(exports, "syncFile", SyncFile);
  DefineMethod(exports, "setAttribute", SetAttribute);
  DefineMethod(exports, "tryLock",
               [](const Napi::CallbackInfo& info) { return MakeLock(info.Env(), ToText(info[0], "path")); });
  return exports;
}

}  // namespace
}  // namespace resident

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return resident::Initialise(env, exports); }

NODE_API_MODULE(resident, Init)
