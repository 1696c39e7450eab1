#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "core/memory_limits.h"

namespace resident {

struct MemoryInfo {
  uint64_t physical_bytes = 0;
  uint64_t available_bytes = 0;  // usable now without swapping; a container's limit counts
};

MemoryInfo ReadMemoryInfo();

/**
 * Throws OUT_OF_MEMORY as CheckRoom does, by what is available now and promised (promises.h). MLX on CPU does not
 * report a failed allocation: it dies. So this is asked before. For what is used and given back soon; what stays is
 * promised. `working_set`: of the device that is to hold it (WorkingSetOf).
 */
void RequireMemory(uint64_t needed_bytes, const std::string& what, const std::optional<WorkingSet>& working_set = {});
/** The same where `untouched_bytes` of what is available are promised. */
void RequireUnpromised(uint64_t needed_bytes, const std::string& what, uint64_t untouched_bytes,
                       const std::optional<WorkingSet>& working_set = {});

/** Memory that a process has touched and not shared with a file; empty where it cannot be seen. */
std::optional<uint64_t> ProcessBytes(int process_id);

/**
 * Memory that this process costs: on a Mac its footprint, as Activity Monitor shows it, since resident memory leaves
 * out what Metal holds for it; elsewhere what is resident.
 */
uint64_t FootprintBytes();

/** How much of a range of memory was touched: all of it where the system does not say. */
uint64_t TouchedBytes(const std::byte* begin, size_t bytes);

/**
 * Gives back to the system what this process has freed. The C library keeps even large pieces for itself once it has
 * seen some as large come and go.
 */
void ReturnFreedMemory();

}  // namespace resident
