#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace resident {

// How much memory may still be taken, as pure functions of what the system and the device say.

/** A Mac's pages by what holds them, as vm_statistics64 counts them. */
struct MacPages {
  uint64_t page_bytes = 0;
  uint64_t active = 0, inactive = 0, speculative = 0, wired = 0;
  uint64_t compressor = 0;  // pages that hold compressed ones
  uint64_t purgeable = 0;   // may be dropped by agreement with their programs
  uint64_t external = 0;    // of files: they can be read again
};

/**
 * What can be had without compressing or swapping what programs hold: all memory without programs' own, wired and
 * compressed pages. Activity Monitor's rule, and Ollama's.
 */
uint64_t MacAvailableBytes(uint64_t physical_bytes, const MacPages& pages);

/** What the system lets a GPU hold at once, and what MLX holds of it. */
struct WorkingSet {
  uint64_t recommended_bytes = 0, active_bytes = 0;

  /** A tenth stays free: above the recommendation command buffers fail. */
  uint64_t room_bytes() const;
};

/**
 * Throws OUT_OF_MEMORY (facts: neededBytes, availableBytes, promisedBytes, limit) unless `needed_bytes` and a reserve
 * for the rest of the process fit into what is available and not promised, and into the working set where a GPU
 * computes. What it says is of the tighter limit.
 */
void CheckRoom(uint64_t needed_bytes, const std::string& what, uint64_t available_bytes, uint64_t untouched_bytes,
               const std::optional<WorkingSet>& working_set);

}  // namespace resident
