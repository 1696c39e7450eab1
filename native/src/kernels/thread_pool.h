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

  /** Calls work(chunk, thread) for every chunk; thread 0 is the caller. Returns when all are done. */
  template <typename Work>
  void Run(int chunks, Work&& work) {
    if (helpers_.empty() || chunks <= 1 || ResolvedToBeAlone()) {
      for (int i = 0; i < chunks; ++i) work(i, 0);
      return;
    }
    using Body = std::remove_reference_t<Work>;
    RunShared(
        chunks, [](void* body, int chunk, int thread) { (*static_cast<Body*>(body))(chunk, thread); },
        const_cast<void*>(static_cast<const void*>(&work)));
  }

 private:
  using Function = void (*)(void* body, int chunk, int thread);
  using Clock = std::chrono::steady_clock;

  bool ResolvedToBeAlone();
  void RunShared(int chunks, Function function, void* body);
  void TakeChunks(uint32_t generation, int thread);
  void Help(int thread);

  // A chunk is taken by counting up `next_`, whose upper half names the piece of work it belongs to.
  alignas(64) std::atomic<uint64_t> next_{0};
  alignas(64) std::atomic<int> busy_helpers_{0};
  alignas(64) std::atomic<uint32_t> generation_{0};
  std::atomic<int> sleepers_{0};
  std::atomic<bool> stopping_{false};
  Function function_ = nullptr;
  void* body_ = nullptr;
  std::atomic<int> chunks_{0};
  Clock::time_point alone_until_{};
  Clock::duration alone_for_{};
  std::vector<std::thread> helpers_;
};

/** Physical cores that this process may use; at least 1. */
int PhysicalCores();

}  // namespace resident::kernels
