#pragma once
#include <chrono>
#include <condition_variable>
#include <mutex>

namespace resident {

/**
 * How file work shares the processors with a model's steps. A step is as late as the latest of its threads: while steps
 * take all processors, a thread that works on files rests most of the time, and goes on at full speed when they end.
 */
class Pace {
 public:
  /** Steps that take all processors, as long as it lives. */
  class Steps {
   public:
    explicit Steps(Pace& pace) : pace_(pace) { pace_.Count(1); }
    ~Steps() { pace_.Count(-1); }
    Steps(const Steps&) = delete;
    Steps& operator=(const Steps&) = delete;

   private:
    Pace& pace_;
  };

  /** After a piece of work that took `spent` of a processor: returns when the next may begin. */
  void Rest(std::chrono::nanoseconds spent);
  /** Whether steps run at the moment. */
  bool stepping();

 private:
  void Count(int change);

  std::mutex mutex_;
  std::condition_variable ended_;
  int steps_ = 0;
};

/** Processor time of this thread: time that it waited for a disk is nobody's loss. */
std::chrono::nanoseconds ThreadTime();

/**
 * Whether one more copy of a block may go between two steps, after `done` of them took `spent_ms`: one always, so that
 * none waits for ever, and together no more than a tenth of the step before.
 */
inline bool MayCopyBetweenSteps(int done, double spent_ms, double step_ms) {
  constexpr double kShare = 0.1;
  return done == 0 || spent_ms < kShare * step_ms;
}

}  // namespace resident
