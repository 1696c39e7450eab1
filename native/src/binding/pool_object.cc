#include <chrono>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "binding/arguments.h"
#include "binding/methods.h"
#include "binding/results.h"
#include "core/block_file.h"

namespace resident {
namespace {

using Clock = std::chrono::steady_clock;

/** The batch, and what is called after each step. A wrong argument has changed nothing in the pool. */
std::pair<std::shared_ptr<const StepBatch>, Napi::Function> ToRun(const Napi::CallbackInfo& info) {
  try {
    return {std::make_shared<const StepBatch>(ToBatch(info[0])), ToFunction(info[1], "onTokens")};
  } catch (const Error& error) {
    throw WithContents(error, Contents::kIntact);
  }
}

void DefineRun(Napi::Object object, const EnvironmentPtr& environment, const PoolParts& pool) {
  DefineMethod(object, "run",
               [environment, handle = pool.handle, busy = pool.takes_all_processors](const Napi::CallbackInfo& info) {
                 const auto [batch, on_step] = ToRun(info);
                 const Calls::Started call = environment->calls().Start(info.Env(), on_step);
                 environment->SubmitToPool(
                     MlxThread::Kind::kCall, call, handle,
                     [environment, handle, busy, batch = batch, id = call.id,
                      flags = call.flags](Engine& engine) -> Calls::ToJs {
                       std::optional<Pace::Steps> steps;
                       if (busy) steps.emplace(environment->io().pace());
                       Clock::time_point step_began = Clock::now();
                       const RunHooks hooks{
                           .on_step =
                               [&](StepHarvest harvest) {
                                 environment->calls().Notify(id, [harvest = std::move(harvest)](Napi::Env env) {
                                   return std::vector<napi_value>{ToJs(env, harvest.tokens),
                                                                  ToJs(env, harvest.failures)};
                                 });
                               },
                           .cancelled = [&] { return flags->cancelled || flags->aborted; },
                           .between_steps =
                               [&] {
                                 const std::chrono::duration<double, std::milli> step = Clock::now() - step_began;
                                 environment->mlx().RunWaitingCopies(engine, step.count());
                                 step_began = Clock::now();
                               },
                       };
                       const RunStats stats = engine.Run(handle, *batch, hooks);
                       if (flags->aborted) throw AbortedError();
                       return [stats](Napi::Env env) { return ToJs(env, stats); };
                     });
                 return MakeTask(info.Env(), call);
               });
}

void DefineLogits(Napi::Object object, const EnvironmentPtr& environment, Handle handle) {
  DefineAsyncMethod(object, "logits", [environment, handle](const Napi::CallbackInfo& info) {
    const std::vector<int32_t> tokens = ToInts(info[0], "tokens"), table = ToInts(info[2], "table");
    const int32_t start = ToInt32(info[1], "start");
    const std::vector<int32_t> window_table =
        info[3].IsUndefined() ? std::vector<int32_t>{} : ToInts(info[3], "windowTable");
    const Calls::Started call = environment->calls().Start(info.Env());
    environment->SubmitToPool(MlxThread::Kind::kCall, call, handle, [=](Engine& engine) -> Calls::ToJs {
      std::vector<int32_t> tables = table, lengths{int32_t(table.size())};
      if (!window_table.empty()) lengths.push_back(int32_t(window_table.size()));
      tables.insert(tables.end(), window_table.begin(), window_table.end());
      return
          [logits = engine.Logits(handle, tokens, start, tables, lengths)](Napi::Env env) { return ToJs(env, logits); };
    });
    return call.promise;
  });
}

void DefineCopyBlock(Napi::Object object, const EnvironmentPtr& environment, Handle handle) {
  DefineAsyncMethod(object, "copyBlock", [environment, handle](const Napi::CallbackInfo& info) {
    const int64_t from = ToInteger(info[0], "from"), to = ToInteger(info[1], "to"),
                  tokens = ToInteger(info[2], "tokens");
    const Calls::Started call = environment->calls().Start(info.Env());
    environment->SubmitToPool(MlxThread::Kind::kCopy, call, handle, [=](Engine& engine) -> Calls::ToJs {
      engine.CopyBlock(handle, from, to, tokens);
      return {};
    });
    return call.promise;
  });
}

/** Runs on the I/O thread and settles the call. */
template <typename Work>
void SubmitIo(const EnvironmentPtr& environment, CallId id, Work work) {
  environment->io().Post([calls = &environment->calls(), id, work = std::move(work)]() mutable {
    try {
      work();
    } catch (...) {
      calls->Reject(id, CurrentError());
    }
  });
}

void DefineWriteBlockFile(Napi::Object object, const EnvironmentPtr& environment, Handle handle,
                          const PoolShape& shape) {
  DefineAsyncMethod(object, "writeBlockFile", [environment, handle, shape](const Napi::CallbackInfo& info) {
    const Napi::Object request = ToObject(info[0], "request");
    const int64_t block = ToInteger(request.Get("block"), "block"), tokens = ToInteger(request.Get("tokens"), "tokens");
    const std::string path = ToText(request.Get("path"), "path");
    Metadata metadata = ToMetadata(request.Get("metadata"), "metadata");
    const PoolGeometry geometry = shape.Check(block, tokens).geometry;
    const Calls::Started call = environment->calls().Start(info.Env());
    environment->mlx().Post(MlxThread::Kind::kCopy, [=, id = call.id, metadata = std::move(metadata)](Engine& engine) {
      try {
        auto data = std::make_shared<const std::vector<std::byte>>(engine.CopyBlockOut(handle, block, tokens));
        SubmitIo(environment, id, [=] {
          const uint64_t bytes = WriteBlockFile(path, geometry, int(tokens), metadata, *data);
          environment->calls().Resolve(id, [bytes](Napi::Env env) { return Napi::Number::New(env, double(bytes)); });
        });
      } catch (...) {
        environment->calls().Reject(id, WithContents(CurrentError(), engine.ContentsOf(handle)));
      }
    });
    return call.promise;
  });
}

/** A checked request to read a block file. */
struct BlockRead {
  std::string path;
  int block;
  WantedBlock wanted;
};

std::optional<BlockRefusal> Read(Environment& environment, const PoolShape& shape, const BlockRead& request,
                                 const BlockPieces& into) {
  IoThreads& io = environment.io();
  const ReadHooks hooks{.after_segment = [&io] { io.Rest(); },
                        .ask_for_help = [&io](std::function<void()> help) { io.PostHelp(std::move(help)); }};
  return ReadBlockFile(request.path, shape.GroupOf(request.block).geometry, request.wanted, into, hooks);
}

Calls::ToJs RefusalToJs(std::optional<BlockRefusal> refusal) {
  return [refusal = std::move(refusal)](Napi::Env env) { return ToJs(env, refusal); };
}

/** Straight into the block, while steps run: nobody else knows of it yet. */
void ReadInPlace(const EnvironmentPtr& environment, const PoolParts& pool, CallId id, const BlockRead& request) {
  SubmitIo(environment, id, [=] {
    const auto read = [&](const BlockPieces& into) { return Read(*environment, pool.shape, request, into); };
    environment->calls().Resolve(id, RefusalToJs(pool.access->With(request.block, request.wanted.tokens, read)));
  });
}

/** By way of other memory, which is copied into the block between steps: they may move the slabs. */
void ReadStaged(const EnvironmentPtr& environment, const PoolParts& pool, const Calls::Started& call,
                const BlockRead& request) {
  SubmitIo(environment, call.id, [=] {
    const size_t bytes = pool.shape.GroupOf(request.block).geometry.BlockBytes(request.wanted.tokens);
    const std::shared_ptr<std::byte[]> data(new std::byte[bytes]);
    if (auto refusal = Read(*environment, pool.shape, request, {std::span(data.get(), bytes)})) {
      environment->calls().Resolve(call.id, RefusalToJs(std::move(refusal)));
      return;
    }
    environment->SubmitToPool(MlxThread::Kind::kCopy, call, pool.handle, [=](Engine& engine) -> Calls::ToJs {
      engine.CopyBlockIn(pool.handle, request.block, request.wanted.tokens, std::span(data.get(), bytes));
      return {};
    });
  });
}

void DefineReadBlockFile(Napi::Object object, const EnvironmentPtr& environment, const PoolParts& pool) {
  DefineAsyncMethod(object, "readBlockFile", [environment, pool](const Napi::CallbackInfo& info) {
    const Napi::Object request = ToObject(info[0], "request");
    const int64_t block = ToInteger(request.Get("block"), "block"), tokens = ToInteger(request.Get("tokens"), "tokens");
    const std::string path = ToText(request.Get("path"), "path");
    WantedBlock wanted{int(tokens), ToMetadata(request.Get("expect"), "expect")};
    if (!request.Get("usedAt").IsUndefined()) wanted.used_at_ms = double(ToInteger(request.Get("usedAt"), "usedAt"));
    pool.shape.Check(block, tokens);
    const BlockRead read{path, int(block), std::move(wanted)};
    const Calls::Started call = environment->calls().Start(info.Env());
    if (pool.access) {
      ReadInPlace(environment, pool, call.id, read);
    } else {
      ReadStaged(environment, pool, call, read);
    }
    return call.promise;
  });
}

}  // namespace

Napi::Object MakePool(Napi::Env env, const EnvironmentPtr& environment, const PoolParts& pool) {
  const PoolShape& shape = pool.shape;
  Napi::Object object = Napi::Object::New(env);
  object.Set("blocks", shape.groups().front().geometry.blocks);
  if (shape.groups().size() > 1) object.Set("windowBlocks", shape.groups().back().geometry.blocks);
  object.Set("blockTokens", shape.block_tokens());
  object.Set("bytes", double(shape.bytes()));
  DefineRun(object, environment, pool);
  DefineLogits(object, environment, pool.handle);
  DefineCopyBlock(object, environment, pool.handle);
  DefineWriteBlockFile(object, environment, pool.handle, shape);
  DefineReadBlockFile(object, environment, pool);

  DefineDispose(object, environment, &Engine::DropPool, pool.handle, pool.has_model);
  return object;
}

}  // namespace resident
