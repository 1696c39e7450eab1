#pragma once
#include <cstdint>
#include <vector>

#include "core/pool_geometry.h"

namespace resident {

/** Layers with one rule of what they keep, and the blocks that hold their K and V. */
struct BlockGroup {
  /** `blocks` and `num_layers` are the group's own. */
  PoolGeometry geometry;
  /** Index of each layer in the model. */
  std::vector<int> layers;
  /** Tokens that a row sees, its own included; 0: all. What no row will see may be missing from a table. */
  int window = 0;
  /** Ids of blocks go through all groups: this group's are first_block … first_block + blocks − 1. */
  int first_block = 0;
};

/** All groups of a pool; at least one. All have the same block_tokens. */
class PoolShape {
 public:
  PoolShape() = default;
  /** One group of all layers. */
  explicit PoolShape(const PoolGeometry& geometry);
  explicit PoolShape(std::vector<BlockGroup> groups);

  const std::vector<BlockGroup>& groups() const { return groups_; }
  int blocks() const { return groups_.back().first_block + groups_.back().geometry.blocks; }
  int block_tokens() const { return groups_.front().geometry.block_tokens; }
  uint64_t bytes() const;
  /** By layer, the index of its group. */
  const std::vector<int>& group_of_layer() const { return group_of_layer_; }

  /** Throws INVALID_REQUEST unless the block is the pool's. */
  const BlockGroup& GroupOf(int64_t block) const;
  /** As GroupOf, and throws unless a block holds `tokens` tokens. */
  const BlockGroup& Check(int64_t block, int64_t tokens) const;

 private:
  std::vector<BlockGroup> groups_;
  std::vector<int> group_of_layer_;
};

}  // namespace resident
