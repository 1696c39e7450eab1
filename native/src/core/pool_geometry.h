#pragma once
#include <cstddef>
#include <cstdint>

#include "core/dtype.h"

namespace resident {

/**
 * How a block lies in a slab: `pieces` runs of blockTokens * `token_bytes`, so that the first t tokens of a block are
 * the first t * token_bytes of every piece.
 */
struct PieceLayout {
  size_t pieces;
  size_t token_bytes;
};

/** Of K's slabs and V's. pieces * token_bytes is slot_bytes in both. */
struct SlabLayout {
  PieceLayout k, v;
};

/** The sizes of a pool. Slot = block * block_tokens + offset. */
struct PoolGeometry {
  int blocks = 0;
  int block_tokens = 0;
  int num_layers = 0;
  int kv_heads = 0;
  int head_dim = 0;
  DataType dtype = DataType::kF32;

  int slots() const { return blocks * block_tokens; }
  /** Bytes of K (or V) of one token in one layer. */
  size_t slot_bytes() const { return size_t(kv_heads) * size_t(head_dim) * SizeOf(dtype); }
  /** Bytes of K and V of `tokens` tokens over all layers. */
  uint64_t BlockBytes(int tokens) const { return uint64_t(tokens) * slot_bytes() * 2 * uint64_t(num_layers); }
  uint64_t bytes() const { return BlockBytes(slots()); }
};

}  // namespace resident
