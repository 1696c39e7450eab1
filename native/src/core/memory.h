#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace resident {

struct MemoryInfo {
  uint64_t physical_bytes = 0;
  uint64_t available_bytes = 0;  // usable now without swapping; a container's limit counts
};

MemoryInfo ReadMemoryInfo();

/**
 * Throws OUT_OF_MEMORY (facts: neededBytes, availableBytes, promisedBytes) when `needed_bytes` plus a reserve for the
 * rest of the process are not there beside what is promised (promises.h). MLX on CPU does not report a failed
 * allocation: it dies. So this is asked before. For what is used and given back soon; what stays is promised.
 */
void RequireMemory(uint64_t needed_bytes, const std::string& what);
/** The same where `untouched_bytes` of what is available are promised. */
void RequireUnpromised(uint64_t needed_bytes, const std::string& what, uint64_t untouched_bytes);

/** Memory that a process has touched and not shared with a file; empty where it cannot be seen. */
std::optional<uint64_t> ProcessBytes(int process_id);

/** How much of a range of memory was touched: all of it where the system does not say. */
uint64_t TouchedBytes(const std::byte* begin, size_t bytes);

/**
 * Gives back to the system what this process has freed. The C library keeps even large pieces for itself once it has
 * seen some as large come and go.
 */
void ReturnFreedMemory();

}  // namespace resident
