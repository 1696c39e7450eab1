#include "binding/threads.h"

#include <algorithm>
#include <chrono>

#include "core/thread_duty.h"

namespace resident {
namespace {

using Clock = std::chrono::steady_clock;

double MsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

}  // namespace

MlxThread::MlxThread() : thread_([this] { Work(); }) {}

void MlxThread::Work() {
  SetThreadDuty(ThreadDuty::kAnswers);
  const AutoreleasePool of_thread;
  Engine engine;
  const auto rest = [&] {
    const AutoreleasePool of_rest;
    const auto at = engine.rests_at();
    if (at && !queue_.IsReadyBefore(*at)) engine.Rest(Clock::now());
  };
  for (Entry entry; rest(), queue_.Pop(entry);) {
    const AutoreleasePool of_job;
    entry.job(engine);
    entry = {};
  }
}

void MlxThread::RunWaitingCopies(Engine& engine, double step_ms) {
  const auto is_copy = [](const Entry& first) { return first.kind == Kind::kCopy; };
  const Clock::time_point begin = Clock::now();
  int done = 0;
  for (Entry entry; MayCopyBetweenSteps(done, MsSince(begin), step_ms) && queue_.PopIf(entry, is_copy); ++done) {
    entry.job(engine);
  }
}

void MlxThread::Stop() {
  queue_.Stop();
  if (thread_.joinable()) thread_.join();
}

IoThreads::IoThreads() {
  const int count = std::min(UsableProcessors(), 2);
  for (int i = 0; i < count; ++i) {
    Worker& worker = workers_.emplace_back();
    worker.thread = std::thread([this, &place = worker.place] {
      SetThreadDuty(ThreadDuty::kFiles);
      for (Job job; queue_.Pop(job); job = {}) {
        place.RunAnywhere();
        job();
      }
    });
  }
}

void IoThreads::PostHelp(Job job) {
  // While steps run no processor is idle: a thread that is sent to another processor is in their way.
  if (!pace_.stepping()) {
    for (Worker& worker : workers_) {
      if (worker.thread.get_id() != std::this_thread::get_id()) worker.place.RunElsewhere(worker.thread);
    }
  }
  Post(std::move(job));
}

void IoThreads::Rest() {
  thread_local std::chrono::nanoseconds rested_at = ThreadTime();
  pace_.Rest(int(workers_.size()) * (ThreadTime() - rested_at));
  rested_at = ThreadTime();
}

void IoThreads::Stop() {
  queue_.Stop();
  for (Worker& worker : workers_) {
    if (worker.thread.joinable()) worker.thread.join();
  }
}

}  // namespace resident
