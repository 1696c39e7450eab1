#include "core/read_thread.h"

#include <utility>

namespace resident {

ReadThread::ReadThread() : thread_([this] { Work(); }) {}

ReadThread::~ReadThread() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  added_.notify_one();
  thread_.join();
}

uint64_t ReadThread::Add(Job job) {
  const std::lock_guard lock(mutex_);
  jobs_.push(std::move(job));
  added_.notify_one();
  return ++num_added_;
}

void ReadThread::WaitFor(uint64_t count, const std::function<void()>& woken) {
  std::unique_lock lock(mutex_);
  while (num_done_ < count && !failed_) {
    const uint64_t seen = num_told_;
    told_.wait(lock, [&] { return num_told_ != seen || num_done_ >= count || failed_; });
    lock.unlock();
    woken();
    lock.lock();
  }
  if (failed_) std::rethrow_exception(failed_);
}

void ReadThread::Tell() {
  {
    const std::lock_guard lock(mutex_);
    ++num_told_;
  }
  told_.notify_all();
}

void ReadThread::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    added_.wait(lock, [&] { return ends_ || !jobs_.empty(); });
    if (ends_ || failed_) return;
    const Job job = std::move(jobs_.front());
    jobs_.pop();
    lock.unlock();
    std::exception_ptr failed;
    try {
      job();
    } catch (...) {
      failed = std::current_exception();
    }
    lock.lock();
    failed_ = failed;
    ++num_done_;
    told_.notify_all();
  }
}

}  // namespace resident
