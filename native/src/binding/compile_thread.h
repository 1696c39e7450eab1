#pragma once
#include <pthread.h>

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>

namespace resident {

/**
 * The thread that compiles grammars, in addition to the one of MLX and those of files. It has a stack of its own size,
 * since the compiler follows a grammar's depth with it, and it is only there while there is something to compile.
 */
class CompileThread {
 public:
  using Job = std::function<void()>;

  ~CompileThread() { Stop(); }

  /** Jobs run in the order they were posted. Not after Stop. */
  void Post(Job job);
  /** Whether a job should end at its next look. */
  bool stopping() const { return stopping_; }
  /** Ends after the job under way. */
  void Stop();

 private:
  void Work();
  /** Of the one that has ended, or ends now. */
  void Join();

  std::mutex mutex_;
  std::deque<Job> jobs_;
  std::atomic<bool> stopping_{false};
  /** Whether a thread takes jobs; `thread_` is to be joined when there was one. */
  bool working_ = false, started_ = false;
  pthread_t thread_{};
};

}  // namespace resident
