#pragma once
#include <cstdint>
#include <string>

namespace resident {

struct MemoryInfo {
  uint64_t physical_bytes = 0;
  uint64_t available_bytes = 0;  // usable now without swapping; a container's limit counts
};

MemoryInfo ReadMemoryInfo();

/**
 * Throws OUT_OF_MEMORY (facts: neededBytes, availableBytes) when `needed_bytes` plus a reserve for the rest of the
 * process are not there. MLX on CPU does not report a failed allocation: it dies. So this is asked before.
 */
void RequireMemory(uint64_t needed_bytes, const std::string& what);

/**
 * Gives back to the system what this process has freed. The C library keeps even large pieces for itself once it has
 * seen some as large come and go.
 */
void ReturnFreedMemory();

}  // namespace resident
