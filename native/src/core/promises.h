#pragma once
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "core/file.h"
#include "core/memory_limits.h"

namespace resident {

/**
 * Memory that was promised to something and is filled later, as a pool is block by block. The system counts a page only
 * once it is touched, so what is promised and untouched must be counted by ourselves, or two pools are granted where
 * one fits.
 */
struct PromiseRecord {
  uint64_t untouched_bytes = 0;
  /** Of the process that promised, when this was written down. */
  uint64_t process_bytes = 0;
};

/**
 * What of another process's record is still untouched, now that the process has `process_bytes`: what it has grown by
 * counts as touched. Unknown, where the process cannot be seen: all of it is untouched.
 */
uint64_t StillUntouched(const PromiseRecord& record, std::optional<uint64_t> process_bytes);

/** What of `available_bytes` is not promised to anybody. */
uint64_t Unpromised(uint64_t available_bytes, uint64_t untouched_bytes);

/** The promises of this process, and a folder in which the processes of one home see each other's. */
class PromiseLedger {
 public:
  /** Promised as long as it lives. */
  class Promise {
   public:
    ~Promise();
    Promise(const Promise&) = delete;
    Promise& operator=(const Promise&) = delete;
    /** How many bytes are touched by now; called on any thread. Before: what the process has grown by. */
    void CountTouchedBy(std::function<uint64_t()> touched_bytes);

   private:
    friend class PromiseLedger;
    Promise(PromiseLedger& ledger, uint64_t bytes);
    uint64_t UntouchedBytes() const;

    PromiseLedger& ledger_;
    const uint64_t bytes_, process_bytes_;
    std::function<uint64_t()> touched_bytes_;
  };

  /** Of this process: one, whatever number of addons and threads it has. */
  static PromiseLedger& OfProcess();

  /**
   * From now on promises are written down in `folder` (made if need be), and those of living processes there count. A
   * folder that cannot be used changes nothing.
   */
  void ShareIn(const std::string& folder);

  /** Promises bytes, or throws OUT_OF_MEMORY (RequireMemory). Nobody else is granted the same bytes meanwhile. */
  std::unique_ptr<Promise> Grant(uint64_t bytes, const std::string& what,
                                 const std::optional<WorkingSet>& working_set = {});

  /** Untouched bytes of everybody. `exact`: now; otherwise a second ago at most. */
  uint64_t UntouchedBytes(bool exact);

 private:
  class FolderLock;

  uint64_t OwnUntouched() const;
  uint64_t OthersUntouched(bool may_remove) const;
  uint64_t CountUntouched(bool may_remove);
  void WriteDown();
  void Leave();
  void Remove(const Promise& promise);

  std::mutex mutex_;
  std::list<const Promise*> promises_;
  std::string folder_;
  /** This process's record in the folder, locked as long as the process lives. */
  std::optional<File> record_;
  uint64_t counted_bytes_ = 0;
  int64_t counted_at_ms_ = 0;
};

}  // namespace resident
