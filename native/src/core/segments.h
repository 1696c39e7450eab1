#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "core/block_pieces.h"
#include "core/file.h"
#include "core/hash.h"

namespace resident {

/**
 * Data is hashed in segments of this many bytes, so that several threads can read and check one file, and each hashes
 * what is still in its processor's cache.
 */
constexpr size_t kSegmentBytes = size_t(256) << 10;

/** Adds to `hash` the digest of every segment of `data`. */
void HashSegments(std::span<const std::byte> data, Hash128& hash);

/**
 * Reads `bytes` bytes from `offset` and adds the digests of their segments to `hash`; nothing of them is kept. Calls
 * `after_segment` behind each. False when the file has fewer. Throws Error (IO_FAILURE).
 */
bool HashFileSegments(const File& file, uint64_t offset, uint64_t bytes, Hash128& hash,
                      const std::function<void()>& after_segment);

struct ReadHooks {
  /** Called after each segment, on the thread that read it. */
  std::function<void()> after_segment;
  /** Has another thread call `help`: now, too late or never. It returns at once when there is nothing left to do. */
  std::function<void(std::function<void()> help)> ask_for_help;
};

/**
 * Reads `bytes` bytes from `offset` into `into`, which has room for them, and adds the digests of their segments to
 * `hash`. False when the file has fewer. Throws Error (IO_FAILURE). Nobody touches the arguments any more when it
 * returns.
 */
bool ReadSegments(const File& file, uint64_t offset, uint64_t bytes, const BlockPieces& into, Hash128& hash,
                  const ReadHooks& hooks);

}  // namespace resident
