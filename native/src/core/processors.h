#pragma once
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/control_groups.h"

#if defined(__linux__)
#include <sched.h>
#endif

namespace resident {

/** Processors that this process may use, as its affinity and its quota (control groups) have it; at least 1. */
int UsableProcessors();
/**
 * Threads that compute: the physical cores among the usable processors; at least 1. Of a quota the whole processors: a
 * group that uses up its quota stands still until the next period begins, up to 100 ms later.
 */
int ComputeThreads();

/** `count`, bounded by the whole processors of a quota; at least 1. */
int WithinQuota(int count, std::optional<double> quota);

#if defined(__linux__)

/** Processors by number; there may be more than the 1,024 that a cpu_set_t holds. */
class ProcessorSet {
 public:
  /** As sched_getaffinity: 0, or an error number; EINVAL where `bytes` are too few for this kernel. */
  using Get = std::function<int(size_t bytes, cpu_set_t* set)>;
  /** Empty where they cannot be read. */
  static std::optional<ProcessorSet> Read(const Get& get);
  static std::optional<ProcessorSet> OfThisThread();

  std::vector<int> Numbers() const;
  size_t size() const { return Numbers().size(); }
  ProcessorSet Without(int number) const;
  bool operator==(const ProcessorSet& other) const { return Numbers() == other.Numbers(); }

  size_t bytes() const { return parts_.size() * sizeof(cpu_set_t); }
  const cpu_set_t* data() const { return parts_.data(); }

 private:
  explicit ProcessorSet(size_t parts) : parts_(parts) {}

  std::vector<cpu_set_t> parts_;
};

/** How many cores the processors are on, by what sysfs says of them. */
int CoresOf(const std::vector<int>& processors, const ReadTextFile& read);

#endif

/**
 * Where one thread runs. Where processors are few and busy, Linux puts a woken thread behind the one that woke it for a
 * time slice, even while another processor is idle (sched(7); the scheduler's SIS_UTIL): measured on two, the second
 * reader of a block's file came 1.4 ms late. On other systems, and where there is one processor only, nothing happens.
 */
class ThreadPlace {
 public:
  /** Wishes that `thread`, which is about to be woken, runs on another processor than the caller. */
  void RunElsewhere(std::thread& thread);
  /**
   * On the thread itself: takes the wish back. Processors that somebody else has given the thread meanwhile stay as
   * they are.
   */
  void RunAnywhere();

 private:
#if defined(__linux__)
  std::mutex mutex_;
  std::optional<ProcessorSet> before_, sent_to_;
#endif
};

}  // namespace resident
