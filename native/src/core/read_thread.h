#pragma once
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <queue>
#include <thread>

namespace resident {

/**
 * A thread that does jobs in the order in which they are added, while the thread that added them goes on. The first
 * job that throws ends the work: the others are not begun.
 */
class ReadThread {
 public:
  using Job = std::function<void()>;

  ReadThread();
  /** Jobs that have not begun are dropped. */
  ~ReadThread();
  ReadThread(const ReadThread&) = delete;
  ReadThread& operator=(const ReadThread&) = delete;

  /** Returns how many were added so far. */
  uint64_t Add(Job job);
  /** Once the first `count` jobs are done. Throws what one of all jobs threw. `woken` is called whenever one calls
   * Tell. */
  void WaitFor(uint64_t count, const std::function<void()>& woken);
  /** For jobs: wakes the threads that wait. */
  void Tell();

 private:
  void Work();

  std::mutex mutex_;
  std::condition_variable added_, told_;
  std::queue<Job> jobs_;
  std::exception_ptr failed_;
  uint64_t num_added_ = 0, num_done_ = 0, num_told_ = 0;
  bool ends_ = false;
  std::thread thread_;
};

}  // namespace resident
