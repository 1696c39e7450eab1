#include "binding/compile_thread.h"

#include <utility>

#include "core/error.h"
#include "core/thread_duty.h"

namespace resident {
namespace {

/** Of address space: only what is used becomes memory. */
constexpr size_t kStackBytes = size_t(64) << 20;

}  // namespace

void CompileThread::Post(Job job) {
  const std::lock_guard lock(mutex_);
  if (stopping_) return;
  jobs_.push_back(std::move(job));
  if (working_) return;
  Join();
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kStackBytes);
  const auto work = [](void* self) -> void* {
    static_cast<CompileThread*>(self)->Work();
    return nullptr;
  };
  const int failure = pthread_create(&thread_, &attributes, work, this);
  pthread_attr_destroy(&attributes);
  if (failure != 0) {
    jobs_.pop_back();
    throw Error(ErrorCode::kOutOfMemory, "the system gave no thread for a grammar", {{"errno", double(failure)}});
  }
  working_ = started_ = true;
}

void CompileThread::Work() {
  SetThreadDuty(ThreadDuty::kFiles);
  for (;;) {
    Job job;
    {
      const std::lock_guard lock(mutex_);
      if (jobs_.empty() || stopping_) {
        working_ = false;  // from here on it touches nothing
        return;
      }
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job();
  }
}

void CompileThread::Join() {
  if (std::exchange(started_, false)) pthread_join(thread_, nullptr);
}

void CompileThread::Stop() {
  stopping_ = true;
  std::deque<Job> dropped;
  {
    const std::lock_guard lock(mutex_);
    dropped.swap(jobs_);
  }
  Join();
}

}  // namespace resident
