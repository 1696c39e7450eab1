#pragma once
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/block_pieces.h"
#include "core/pool_geometry.h"
#include "core/segments.h"

namespace resident {

using Metadata = std::map<std::string, std::string>;

/**
 * Why a block file was refused; the names of `BlockRefusal` in src/native/binding.ts. "unreadable" says nothing of the
 * file: it could not be opened or read (too many open files, an I/O error, no permission, no memory), and may be good.
 */
struct BlockRefusal {
  const char* code;
  std::string reason;
  std::string key;  // of "identity" only
};

/**
 * A block as a safetensors file: tensors k.<layer> and v.<layer>, [tokens, kvHeads, headDim] (in 8 bits: bytes, scales
 * among them, [tokens, kvHeads, bytes of a head]); metadata of the caller's plus "format" and "checksum". The checksum
 * is XXH3-128 over the header, with its own 32 digits read as zeros, and over the digests of the data's segments, in
 * hex. It stands first in the header.
 */
constexpr char kBlockFormat[] = "resident-kv-block-2";
bool IsOwnMetadataKey(const std::string& key);

/** Writes `<path>.tmp-<pid>-<n>`, then renames. Returns the bytes written. Throws DISK_FULL or IO_FAILURE. */
uint64_t WriteBlockFile(const std::string& path, const PoolGeometry& geometry, int tokens, const Metadata& metadata,
                        std::span<const std::byte> data);

/** What a block file must hold. */
struct WantedBlock {
  int tokens;
  /** Every pair must stand in the file's metadata. */
  Metadata metadata;
  /** Milliseconds since 1970 at which a file that holds it counts as used. */
  std::optional<double> used_at_ms{};
};

/**
 * Reads and verifies the data of a block file: into `into`, which holds as many tokens and contains nothing of use
 * after a refusal.
 */
std::optional<BlockRefusal> ReadBlockFile(const std::string& path, const PoolGeometry& geometry,
                                          const WantedBlock& wanted, const BlockPieces& into,
                                          const ReadHooks& hooks = {});

/** What a block file says of itself, once it is proven that it is whole. */
struct CheckedBlock {
  std::optional<BlockRefusal> refusal;
  /** Without the format's own keys; empty after a refusal. */
  Metadata metadata;
  uint64_t file_bytes = 0;
};

/** Reads and verifies a block file of any geometry by what it says of itself; keeps nothing of its data. */
CheckedBlock CheckBlockFile(const std::string& path, const std::function<void()>& after_segment = {});

}  // namespace resident
