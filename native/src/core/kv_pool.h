#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/models/decoder.h"
#include "core/ops.h"
#include "core/pool_shape.h"
#include "core/promises.h"
#include "core/slab_access.h"

namespace resident {

/** What became of a pool in a call that failed. */
enum class Contents {
  kIntact,   // every block holds what it held for the tokens that were computed before the call
  kUnknown,  // no block can be trusted
};

const char* ContentsName(Contents contents);

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
  /** Waits for the device and throws what it has failed with. */
  using DeviceCheck = std::function<void()>;

  /**
   * Allocates. Untouched pages cost nothing, but they are promised: throws OUT_OF_MEMORY. `check` is asked by
   * every Commit.
   */
  KvPool(PoolShape shape, const Ops& ops, mx::Device device, Use use, DeviceCheck check);
  KvPool(PoolShape shape, const Ops& ops, mx::Device device, Use use = Use::kSteps);
  ~KvPool();

  const PoolShape& shape() const { return shape_; }
  const Slabs& slabs() const { return slabs_; }
  /** For other threads; null where a step may move a slab. */
  const std::shared_ptr<SlabAccess>& access() const { return access_; }

  /**
   * Takes the slabs of a step, evaluates them with `outputs`, asks the device whether all of it succeeded, and waits
   * until the slabs can be updated in place again. Returns how many slabs MLX copied. When it throws after it has taken
   * the slabs, the contents are unknown and the pool refuses all further use.
   */
  int Commit(Slabs next, std::vector<Tensor> outputs);

  /**
   * The one place that knows whether a failed call left the blocks as they were. Outside of Commit nothing can spoil
   * them. Stock operations write no slab before it. Our kernels write K and V while a step is built, but only into the
   * slots of the step's own rows: these stand behind every token that was computed, in blocks that no other sequence
   * names (CheckBatch), and the next step over the same positions writes them again before it reads them.
   */
  Contents contents() const { return contents_; }
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
  const bool updates_in_place_;  // by operations of MLX, which must be able to reuse the buffers
  Slabs slabs_;
  std::vector<std::byte*> addresses_;  // of each slab: K and V of layer 0, of layer 1 …
  std::shared_ptr<SlabAccess> access_;
  DeviceCheck check_;  // empty: evaluation itself reports all errors
  Contents contents_ = Contents::kIntact;
};

}  // namespace resident
