#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "core/pool_geometry.h"

namespace resident {

/** Memory that together holds a block's tokens, in the order in which a block file has them. */
using BlockPieces = std::vector<std::span<std::byte>>;

/**
 * Calls piece(address, bytes) for each piece of the first `tokens` slots of a block: layer after layer, K before V,
 * piece after piece of the layout. `slabs`: addresses of K and V of layer 0, of layer 1 …
 */
template <typename Piece>
void ForEachPiece(const PoolGeometry& geometry, const SlabLayout& layout, std::span<std::byte* const> slabs, int block,
                  int tokens, Piece piece) {
  for (size_t slab = 0; slab < slabs.size(); ++slab) {
    const PieceLayout& pieces = slab % 2 == 0 ? layout.k : layout.v;
    const size_t whole = size_t(geometry.block_tokens) * pieces.token_bytes, part = size_t(tokens) * pieces.token_bytes;
    std::byte* const at = slabs[slab] + size_t(block) * size_t(geometry.block_tokens) * geometry.slot_bytes();
    if (whole == part) {  // pieces follow each other
      piece(at, whole * pieces.pieces);
      continue;
    }
    for (size_t i = 0; i < pieces.pieces; ++i) piece(at + i * whole, part);
  }
}

}  // namespace resident
