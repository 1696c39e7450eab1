#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/models/decoder.h"
#include "core/ops.h"
#include "core/pool_shape.h"
#include "core/promises.h"
#include "core/slab_access.h"

namespace resident {

/**
 * The memory that all blocks live in: per layer one slab for K and one for V, slot = block * blockTokens + offset, with
 * blocks counted from the first of the layer's group.
 *
 * Appends are in place only while this object holds the slabs' only handles: Commit moves the new ones in before they
 * are evaluated. Bytes of blocks move by pointer between steps, since copies as operations would move whole slabs.
 * Lives on the MLX thread.
 */
class KvPool {
 public:
  /** What a pool is for: steps, or only to copy, write and read blocks. */
  enum class Use { kSteps, kBytesOnly };

  /** Allocates. Untouched pages cost nothing, but they are promised: throws OUT_OF_MEMORY. */
  KvPool(PoolShape shape, const Ops& ops, mx::Device device, Use use = Use::kSteps);
  ~KvPool();

  const PoolShape& shape() const { return shape_; }
  const Slabs& slabs() const { return slabs_; }
  /** For other threads; null where a step may move a slab. */
  const std::shared_ptr<SlabAccess>& access() const { return access_; }

  /**
   * Takes the slabs of a step, evaluates them with `outputs` and waits until they can be updated in place again.
   * Returns how many slabs MLX copied. When it throws, the contents are unknown and the pool refuses all further use.
   */
  int Commit(Slabs next, std::vector<Tensor> outputs);

  /** Throws NATIVE_FAILURE after a failed Commit. */
  void RequireIntact() const;

  /** Both blocks are of one group. */
  void CopyBlock(int from, int to, int tokens);
  /**
   * The first `tokens` slots of a block together: layer after layer of its group, K before V, piece after piece of the
   * layout.
   */
  void CopyOut(int block, int tokens, std::span<std::byte> into) const;
  void CopyIn(int block, int tokens, std::span<const std::byte> from);

 private:
  bool ReadyInPlace() const;
  void WaitUntilReady() const;

  PoolShape shape_;
  std::unique_ptr<PromiseLedger::Promise> promise_;
  std::vector<SlabLayout> layouts_;  // of each group
  mx::Device device_;
  Slabs slabs_;
  std::vector<std::byte*> addresses_;  // of each slab: K and V of layer 0, of layer 1 …
  std::shared_ptr<SlabAccess> access_;
  bool intact_ = true;
};

}  // namespace resident
