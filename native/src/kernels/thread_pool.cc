#include "kernels/thread_pool.h"

#include <algorithm>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace resident::kernels {
namespace {

using namespace std::chrono_literals;

/** The time between two pieces of one step is shorter; a helper that spins longer takes somebody's processor. */
constexpr auto kSpin = 40us;
/** Chunks mostly take some tens of microseconds: a thread that needs this long for one was descheduled, … */
constexpr auto kKeptWaiting = 1500us;
/** … unless it is less than so many of the caller's own: attention over long contexts has long ones. */
constexpr int kKeptWaitingChunks = 4;
constexpr uint64_t kNoChunk = 0x7fffffff;
constexpr auto kFirstAlone = 20ms, kLongestAlone = 160ms;

void Pause() {
#if defined(__x86_64__)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/** Spins until `done` or the time is up; false then. */
template <typename Done>
bool SpinUntil(Done done, std::chrono::steady_clock::duration limit) {
  for (int i = 0; i < 64; ++i) {
    if (done()) return true;
    Pause();
  }
  const auto end = std::chrono::steady_clock::now() + limit;
  while (!done()) {
    for (int i = 0; i < 16; ++i) Pause();
    if (std::chrono::steady_clock::now() > end) return done();
  }
  return true;
}

}  // namespace

ThreadPool::ThreadPool(int threads) : parts_(size_t(std::max(1, threads))) {
  for (int i = 1; i < threads; ++i) helpers_.emplace_back([this, i] { Help(i); });
}

ThreadPool::~ThreadPool() {
  stopping_ = true;
  generation_.fetch_add(1);
  generation_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

bool ThreadPool::ResolvedToBeAlone() { return alone_for_ > 0ms && Clock::now() < alone_until_; }

void ThreadPool::RunShared(int chunks, Function function, void* body, Order order) {
  // A helper may still be looking at the last piece's counters.
  while (busy_helpers_.load(std::memory_order_acquire) != 0) Pause();
  const uint32_t generation = generation_.load(std::memory_order_relaxed) + 1;
  const uint64_t first = uint64_t(generation) << 32;
  // A helper that wakes up late for the last piece must find nothing to take while this one is written down.
  for (Part& part : parts_) part.next.store(first | kNoChunk, std::memory_order_seq_cst);
  function_ = function;
  body_ = body;
  const int parts = order == Order::kOfAll ? 1 : threads();
  for (int i = 0, begin = 0; i < threads(); ++i) {
    const int end = i < parts ? int(int64_t(chunks) * (i + 1) / parts) : chunks;
    parts_[size_t(i)].end.store(end, std::memory_order_relaxed);
    parts_[size_t(i)].next.store(first | uint64_t(begin), std::memory_order_release);
    begin = end;
  }
  generation_.store(generation, std::memory_order_seq_cst);
  if (sleepers_.load(std::memory_order_seq_cst) > 0) generation_.notify_all();
  const auto began = Clock::now();
  const int taken = TakeChunks(generation, 0);
  const auto done = [this] { return busy_helpers_.load(std::memory_order_acquire) == 0; };
  const Clock::duration chunks_long = kKeptWaitingChunks * (Clock::now() - began) / std::max(1, taken);
  if (SpinUntil(done, std::max<Clock::duration>(kKeptWaiting, chunks_long))) {
    if (alone_for_ > 0ms && Clock::now() > alone_until_ + alone_for_) alone_for_ = 0ms;
    return;
  }
  while (!done()) std::this_thread::yield();
  alone_for_ = std::clamp<Clock::duration>(2 * alone_for_, kFirstAlone, kLongestAlone);
  alone_until_ = Clock::now() + alone_for_;
}

int ThreadPool::TakeChunks(uint32_t generation, int thread) {
  int taken = 0;
  for (int i = 0; i < threads(); ++i) {
    Part& part = parts_[size_t((thread + i) % threads())];
    uint64_t next = part.next.load(std::memory_order_acquire);
    while (uint32_t(next >> 32) == generation && int(uint32_t(next)) < part.end.load(std::memory_order_relaxed)) {
      if (!part.next.compare_exchange_weak(next, next + 1, std::memory_order_acq_rel)) continue;
      function_(body_, int(uint32_t(next)), thread);
      ++taken;
      next = part.next.load(std::memory_order_acquire);
    }
  }
  return taken;
}

void ThreadPool::Help(int thread) {
  uint32_t seen = 0;
  const auto called = [&] { return generation_.load(std::memory_order_acquire) != seen; };
  while (true) {
    // Before every wait: a helper that comes late to a piece may see the destructor's call together with it.
    if (stopping_) return;
    if (!SpinUntil(called, kSpin)) {
      sleepers_.fetch_add(1, std::memory_order_seq_cst);
      generation_.wait(seen, std::memory_order_seq_cst);
      sleepers_.fetch_sub(1, std::memory_order_relaxed);
      continue;
    }
    // First busy, then a look at what is called: the caller changes the work only while nobody is busy.
    busy_helpers_.fetch_add(1, std::memory_order_seq_cst);
    seen = generation_.load(std::memory_order_seq_cst);
    TakeChunks(seen, thread);
    busy_helpers_.fetch_sub(1, std::memory_order_release);
  }
}

}  // namespace resident::kernels
