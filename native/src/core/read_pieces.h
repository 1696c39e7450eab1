#pragma once
#include <sys/types.h>
#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>

namespace resident {

constexpr size_t kMaxTransferBytes = size_t(1) << 30;  // macOS refuses single transfers of 2 GB and more

/** One call of the system, as preadv: how many bytes it read, 0 at the end of the file, or -1 and errno. */
using ReadVector = std::function<ssize_t(const iovec* pieces, int count, uint64_t offset)>;

/**
 * Fills pieces of memory one after the other from `offset`. A call may always read less than was asked for, so only a
 * call that reads nothing is the end of the file. Returns how many bytes there were; empty where a call failed (errno).
 */
std::optional<size_t> ReadPieces(const ReadVector& read, uint64_t offset, std::span<const std::span<std::byte>> into);

}  // namespace resident
