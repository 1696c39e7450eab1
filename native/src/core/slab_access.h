#pragma once
#include <atomic>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "core/block_pieces.h"
#include "core/error.h"

namespace resident {

/**
 * A pool's memory for threads that do not compute: they may fill blocks that no table names while a step runs, since
 * nobody else reads or writes those. Only pools whose slabs never move have one. The pool closes it before it goes, and
 * waits for the threads that are inside.
 */
class SlabAccess {
 public:
  SlabAccess(PoolShape shape, std::vector<SlabLayout> layouts, std::vector<std::byte*> slabs)
      : shape_(std::move(shape)), layouts_(std::move(layouts)), slabs_(std::move(slabs)) {}

  /** Returns work(pieces), called with the block's memory. Throws INVALID_REQUEST when the pool is gone. */
  template <typename Work>
  auto With(int block, int tokens, Work work) const {
    // Looked at before the lock is asked for, so that those who come cannot keep Close waiting for ever.
    if (closed_) ThrowClosed();
    const std::shared_lock lock(mutex_);
    if (closed_) ThrowClosed();
    BlockPieces pieces;
    ForEachPiece(shape_, layouts_, slabs_, block, tokens,
                 [&](std::byte* at, size_t bytes) { pieces.emplace_back(at, bytes); });
    return work(std::as_const(pieces));
  }

  void Close() {
    closed_ = true;
    const std::unique_lock lock(mutex_);
  }

 private:
  [[noreturn]] static void ThrowClosed() { throw Error(ErrorCode::kInvalidRequest, "the pool was disposed"); }

  const PoolShape shape_;
  const std::vector<SlabLayout> layouts_;
  const std::vector<std::byte*> slabs_;
  mutable std::shared_mutex mutex_;
  std::atomic<bool> closed_{false};
};

}  // namespace resident
