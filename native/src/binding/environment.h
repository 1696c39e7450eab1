#pragma once
#include <napi.h>

#include <functional>
#include <memory>
#include <utility>

#include "binding/calls.h"
#include "binding/compile_thread.h"
#include "binding/threads.h"

namespace resident {

/** Everything of one JavaScript environment (the main thread's or a worker's). Nothing is shared between environments.
 */
class Environment : public std::enable_shared_from_this<Environment> {
 public:
  static std::shared_ptr<Environment> Create(Napi::Env env);

  Calls& calls() { return calls_; }
  MlxThread& mlx() { return mlx_; }
  IoThreads& io() { return io_; }
  CompileThread& compiler() { return compiler_; }

  /** Posts `work`, whose result (a Calls::ToJs) resolves the call; what it throws rejects it. */
  template <typename Work>
  void Submit(MlxThread::Kind kind, const Calls::Started& call, Work work) {
    Post(kind, call, std::move(work), [](const Engine&, Error error) { return error; });
  }

  /** The same on a pool: a rejection also says what became of the pool. */
  template <typename Work>
  void SubmitToPool(MlxThread::Kind kind, const Calls::Started& call, Handle pool, Work work) {
    Post(kind, call, std::move(work),
         [pool](const Engine& engine, Error error) { return WithContents(std::move(error), engine.ContentsOf(pool)); });
  }

  /** Ends the threads after the step under way. Idempotent; runs before Node takes the environment or the process down.
   */
  void Shutdown();

 private:
  explicit Environment(Napi::Env env) : calls_(env) {}

  /** `explain(engine, error)` is what the call is rejected with. */
  template <typename Work, typename Explain>
  void Post(MlxThread::Kind kind, const Calls::Started& call, Work work, Explain explain) {
    mlx_.Post(kind, [this, id = call.id, flags = call.flags, work = std::move(work),
                     explain = std::move(explain)](Engine& engine) mutable {
      try {
        if (flags->aborted) throw AbortedError();
        calls_.Resolve(id, work(engine));
      } catch (...) {
        calls_.Reject(id, explain(engine, CurrentError()));
      }
    });
  }

  Calls calls_;
  MlxThread mlx_;
  IoThreads io_;
  CompileThread compiler_;
};

}  // namespace resident
