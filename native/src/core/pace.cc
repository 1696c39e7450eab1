#include "core/pace.h"

#include <ctime>

namespace resident {
namespace {

/** A sixteenth of one processor, whatever the number of threads. */
constexpr int kRestForWork = 15;

}  // namespace

void Pace::Rest(std::chrono::nanoseconds spent) {
  std::unique_lock lock(mutex_);
  ended_.wait_for(lock, kRestForWork * spent, [this] { return steps_ == 0; });
}

bool Pace::stepping() {
  const std::lock_guard lock(mutex_);
  return steps_ != 0;
}

void Pace::Count(int change) {
  const std::lock_guard lock(mutex_);
  steps_ += change;
  if (steps_ == 0) ended_.notify_all();
}

std::chrono::nanoseconds ThreadTime() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace resident
