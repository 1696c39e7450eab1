#include "core/pool_shape.h"

#include <numeric>
#include <string>
#include <utility>

#include "core/error.h"

namespace resident {
namespace {

std::vector<BlockGroup> OneGroup(const PoolGeometry& geometry) {
  BlockGroup group{.geometry = geometry, .layers = std::vector<int>(size_t(geometry.num_layers))};
  std::iota(group.layers.begin(), group.layers.end(), 0);
  return {std::move(group)};
}

}  // namespace

PoolShape::PoolShape(const PoolGeometry& geometry) : PoolShape(OneGroup(geometry)) {}

PoolShape::PoolShape(std::vector<BlockGroup> groups) : groups_(std::move(groups)) {
  int next = 0;
  size_t layers = 0;
  for (BlockGroup& group : groups_) {
    next = (group.first_block = next) + group.geometry.blocks;
    layers += group.layers.size();
  }
  group_of_layer_.resize(layers);
  for (size_t g = 0; g < groups_.size(); ++g) {
    for (const int layer : groups_[g].layers) group_of_layer_[size_t(layer)] = int(g);
  }
}

uint64_t PoolShape::bytes() const {
  uint64_t bytes = 0;
  for (const BlockGroup& group : groups_) bytes += group.geometry.bytes();
  return bytes;
}

const BlockGroup& PoolShape::GroupOf(int64_t block) const {
  for (const BlockGroup& group : groups_) {
    if (block >= group.first_block && block < group.first_block + group.geometry.blocks) return group;
  }
  throw Error(ErrorCode::kInvalidRequest, "block " + std::to_string(block) + " is outside the pool",
              {{"block", double(block)}, {"blocks", double(blocks())}});
}

const BlockGroup& PoolShape::Check(int64_t block, int64_t tokens) const {
  const BlockGroup& group = GroupOf(block);
  if (tokens < 1 || tokens > block_tokens()) {
    throw Error(ErrorCode::kInvalidRequest, "a block cannot hold " + std::to_string(tokens) + " tokens",
                {{"tokens", double(tokens)}, {"blockTokens", double(block_tokens())}});
  }
  return group;
}

}  // namespace resident
