#pragma once
#include "core/ops.h"

namespace resident {

/** What an allocator of MLX makes of a size, and where its memory begins. */
struct AllocatorRules {
  size_t page_bytes;  // sizes above one page are rounded up to whole pages
  size_t alignment;   // of buffers of one page or more
};

/** Of Metal's, which serves the CPU of a Mac too (MetalAllocator::malloc of backend/metal/allocator.cpp). */
constexpr AllocatorRules kMetalAllocator{16384, 16384};
/** Of the C library's, as MLX uses it elsewhere: what is asked for, behind a word that holds the size. */
constexpr AllocatorRules kPlainAllocator{1, 8};

/** Where vectors do not cross cache lines, and where some processors copy from a file at four times the speed. */
constexpr size_t kSlabAlignment = 4096;
/** How far beyond an array its buffer may reach for MLX to reuse it for an update (is_donatable of its utils.h). */
constexpr size_t kSpareBufferBytes = 16384;

/**
 * How much to ask for, so that `bytes` from an aligned address on fit and the buffer stays within what MLX reuses. An
 * allocator that aligns by itself gets no room to move in: with it, a rounded buffer could be too long for any reuse.
 */
constexpr size_t SlabRequest(size_t bytes, const AllocatorRules& rules) {
  if (rules.alignment < kSlabAlignment) return bytes + kSlabAlignment;
  return (bytes + rules.page_bytes - 1) / rules.page_bytes * rules.page_bytes;
}

/**
 * Memory for K or V of one layer, [1, slots, kvHeads, headElements], contents undefined, followed by `slack_bytes` that
 * may be read. It begins at a page, and untouched pages cost nothing. MLX's allocator owns it, or an update could not
 * reuse it.
 */
Tensor AllocateSlab(const PoolGeometry& geometry, size_t slack_bytes = 0);

/**
 * The slab with `rows` [R, 1, 1, kvHeads, headElements], of its type, written at `slots` (i32 [R], all within it). In
 * place when the caller gives the only handle and nothing reads the slab before: the one place where operations of MLX
 * write K and V, so that another way to write them has to be put here only.
 */
Tensor AppendRows(const Tensor& slab, const Tensor& rows, const Tensor& slots, mx::Device device);

}  // namespace resident
