#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

namespace resident {

/**
 * What a GPU may keep wired while it computes: the model, the pool, and room for a step's results, within what the
 * system recommends.
 */
uint64_t WiredLimit(uint64_t model_bytes, uint64_t pool_bytes, uint64_t recommended_bytes);

/**
 * Keeps memory wired while runs go on, and some seconds longer: between two answers it would be unwired and wired
 * again, and without a limit the system takes a large model's memory away when it is idle. Lives on one thread.
 */
class WiredMemory {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds kIdle{10};

  /** `set_limit` is called with each new limit, in bytes. */
  explicit WiredMemory(std::function<void(uint64_t)> set_limit) : set_limit_(std::move(set_limit)) {}
  ~WiredMemory() { Lift(); }
  WiredMemory(const WiredMemory&) = delete;
  WiredMemory& operator=(const WiredMemory&) = delete;

  void BeginRun(uint64_t limit_bytes);
  void EndRun(Time now);
  /** When to call LiftWhenIdle; nothing during a run, and where nothing is wired. */
  std::optional<Time> lift_at() const { return lift_at_; }
  void LiftWhenIdle(Time now);
  /** At once: what was wired is about to be freed. */
  void Lift();

 private:
  void Set(uint64_t limit_bytes);

  std::function<void(uint64_t)> set_limit_;
  uint64_t limit_bytes_ = 0;
  std::optional<Time> lift_at_;
};

}  // namespace resident
