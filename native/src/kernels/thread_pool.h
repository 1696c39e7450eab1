#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <type_traits>
#include <vector>

namespace resident::kernels {

/**
 * The caller and some helpers that take chunks of one piece of work at a time. Helpers spin briefly between two pieces,
 * then sleep: an idle pool uses no processor time. The caller never waits for a helper that has not begun, and does
 * without helpers for a while after one of them kept it waiting (its processor is wanted by somebody else). There are
 * no fork handlers: a child process has none of these threads and needs none.
 *
 * One thread calls Run; `work` must not throw.
 */
class ThreadPool {
 public:
  /** `threads` counts the caller. */
  explicit ThreadPool(int threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int threads() const { return int(helpers_.size()) + 1; }

  /** Which chunks a thread takes: the next of all, or those of its own part as long as there are any. */
  enum class Order { kOfAll, kOwnFirst };

  /**
   * Calls work(chunk, thread) for every chunk; thread 0 is the caller. Returns when all are done. With kOwnFirst
   * neighbouring chunks go to one thread, which may have asked for the next one's memory.
   */
  template <typename Work>
  void Run(int chunks, Work&& work, Order order = Order::kOfAll) {
    if (helpers_.empty() || chunks <= 1 || ResolvedToBeAlone()) {
      for (int i = 0; i < chunks; ++i) work(i, 0);
      return;
    }
    using Body = std::remove_reference_t<Work>;
    RunShared(
        chunks, [](void* body, int chunk, int thread) { (*static_cast<Body*>(body))(chunk, thread); },
        const_cast<void*>(static_cast<const void*>(&work)), order);
  }

 private:
  using Function = void (*)(void* body, int chunk, int thread);
  using Clock = std::chrono::steady_clock;

  bool ResolvedToBeAlone();
  void RunShared(int chunks, Function function, void* body, Order order);
  /** Returns how many it took. */
  int TakeChunks(uint32_t generation, int thread);
  void Help(int thread);

  /** Chunks `next` to `end`. One is taken by counting up `next`, whose upper half names the piece of work. */
  struct alignas(64) Part {
    std::atomic<uint64_t> next{0};
    std::atomic<int> end{0};
  };

  std::vector<Part> parts_;
  alignas(64) std::atomic<int> busy_helpers_{0};
  alignas(64) std::atomic<uint32_t> generation_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stopping_{false};
  Function function_ = nullptr;
  void* body_ = nullptr;
  Clock::time_point alone_until_{};
  Clock::duration alone_for_{};
  std::vector<std::thread> helpers_;
};

}  // namespace resident::kernels
