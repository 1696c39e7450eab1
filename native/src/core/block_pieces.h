#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "core/pool_shape.h"

namespace resident {

/** Memory that together holds a block's tokens, in the order in which a block file has them. */
using BlockPieces = std::vector<std::span<std::byte>>;

/**
 * Calls piece(address, bytes) for each piece of the first `tokens` slots of a block: layer after layer of its group, K
 * before V, piece after piece of the layout. `layouts`: of each group; `slabs`: addresses of K and V of layer 0, of
 * layer 1 …
 */
template <typename Piece>
void ForEachPiece(const PoolShape& shape, std::span<const SlabLayout> layouts, std::span<std::byte* const> slabs,
                  int block, int tokens, Piece piece) {
  const BlockGroup& group = shape.GroupOf(block);
  const PoolGeometry& geometry = group.geometry;
  const SlabLayout& layout = layouts[size_t(&group - shape.groups().data())];
  const size_t offset = size_t(block - group.first_block) * size_t(geometry.block_tokens) * geometry.slot_bytes();
  for (const int layer : group.layers) {
    for (const size_t side : {0, 1}) {
      std::byte* at = slabs[2 * size_t(layer) + side] + offset;
      if (tokens == geometry.block_tokens) {  // pieces follow each other
        piece(at, size_t(tokens) * geometry.slot_bytes());
        continue;
      }
      for (const PieceLayout& kind : side == 0 ? layout.k : layout.v) {
        for (size_t i = 0; i < kind.pieces; ++i, at += size_t(geometry.block_tokens) * kind.token_bytes) {
          piece(at, size_t(tokens) * kind.token_bytes);
        }
      }
    }
  }
}

}  // namespace resident
