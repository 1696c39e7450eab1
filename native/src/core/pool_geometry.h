#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/dtype.h"
#include "kernels/quantised_head.h"

namespace resident {

/**
 * How a block is laid out in a slab: `pieces` runs of blockTokens * `token_bytes`, so that the first t tokens of a
 * block are the first t * token_bytes of every piece.
 */
struct PieceLayout {
  size_t pieces;
  size_t token_bytes;
};

/** Kinds of pieces that follow each other in every block of K's slabs and V's: together slot_bytes a token. */
struct SlabLayout {
  std::vector<PieceLayout> k, v;
};

/** Elements of one token's head in a slab: in 8 bits, bytes with the scales among them. */
constexpr int HeadElements(DataType dtype, int head_dim) {
  return dtype == DataType::kQ8 ? int(kernels::QuantisedHeadBytes(head_dim)) : head_dim;
}
constexpr size_t HeadBytes(DataType dtype, int head_dim) {
  return size_t(HeadElements(dtype, head_dim)) * SizeOf(dtype);
}

/** The sizes of a pool. Slot = block * block_tokens + offset. */
struct PoolGeometry {
  int blocks = 0;
  int block_tokens = 0;
  int num_layers = 0;
  int kv_heads = 0;
  int head_dim = 0;
  DataType dtype = DataType::kF32;

  int slots() const { return blocks * block_tokens; }
  int head_elements() const { return HeadElements(dtype, head_dim); }
  /** Bytes of K (or V) of one token in one layer. */
  size_t slot_bytes() const { return size_t(kv_heads) * HeadBytes(dtype, head_dim); }
  /** Bytes of K and V of `tokens` tokens over all layers. */
  uint64_t BlockBytes(int tokens) const { return uint64_t(tokens) * slot_bytes() * 2 * uint64_t(num_layers); }
  uint64_t bytes() const { return BlockBytes(slots()); }
};

}  // namespace resident
