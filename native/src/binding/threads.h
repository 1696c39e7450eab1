#pragma once
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "core/engine.h"
#include "core/pace.h"
#include "core/processors.h"

namespace resident {

/** Jobs from any thread, taken by one. After Stop nothing is taken any more and what waits is dropped. */
template <typename Job>
class JobQueue {
 public:
  void Push(Job job) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    jobs_.push_back(std::move(job));
    wake_.notify_one();
  }

  /** Waits for a job; false once stopped. */
  bool Pop(Job& job) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return IsReady(); });
    return Take(job);
  }

  /** Waits until Pop would not wait, or until `deadline`: false where that comes first. */
  bool IsReadyBefore(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    return wake_.wait_until(lock, deadline, [this] { return IsReady(); });
  }

  /** The first job if it is there and `wanted`. */
  template <typename Wanted>
  bool PopIf(Job& job, Wanted wanted) {
    const std::lock_guard lock(mutex_);
    return !jobs_.empty() && wanted(jobs_.front()) && Take(job);
  }

  void Stop() {
    std::deque<Job> dropped;
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(jobs_);
    wake_.notify_all();
  }

 private:
  bool IsReady() const { return stopping_ || !jobs_.empty(); }
  bool Take(Job& job) {
    if (stopping_) return false;
    job = std::move(jobs_.front());
    jobs_.pop_front();
    return true;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> jobs_;
  bool stopping_ = false;
};

/** The one thread that touches MLX. It makes the engine and takes it down. Jobs run in the order they were posted. */
class MlxThread {
 public:
  enum class Kind {
    kCall,
    kCopy,  // may also run between two steps of a run, as long as no call was posted before it
  };
  using Job = std::function<void(Engine&)>;

  MlxThread();
  ~MlxThread() { Stop(); }

  void Post(Kind kind, Job job) { queue_.Push({kind, std::move(job)}); }
  /** On the MLX thread, after a step that took `step_ms`: copies at the head of the queue, as many as may go there. */
  void RunWaitingCopies(Engine& engine, double step_ms);
  /** Ends after the job under way. */
  void Stop();

 private:
  struct Entry {
    Kind kind = Kind::kCall;
    Job job;
  };
  void Work();

  JobQueue<Entry> queue_;
  std::thread thread_;
};

/** The threads that read and write files and never touch MLX: two, where there are as many processors. */
class IoThreads {
 public:
  using Job = std::function<void()>;

  IoThreads();
  ~IoThreads() { Stop(); }

  /** Jobs begin in the order they were posted. */
  void Post(Job job) { queue_.Push(std::move(job)); }
  /** From one of these threads: a job that another one is to begin at once, while the caller's goes on. */
  void PostHelp(Job job);
  /** On one of them, between two pieces of a job: rests as `pace` has it. */
  void Rest();
  Pace& pace() { return pace_; }
  void Stop();

 private:
  struct Worker {
    ThreadPlace place;
    std::thread thread;
  };

  JobQueue<Job> queue_;
  Pace pace_;
  std::deque<Worker> workers_;  // they stay where they are
};

}  // namespace resident
