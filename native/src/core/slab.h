#pragma once
#include "core/ops.h"

namespace resident {

/**
 * Memory for K or V of one layer, [1, slots, kvHeads, headElements], contents undefined, followed by `slack_bytes` that
 * may be read. It begins at a page, and untouched pages cost nothing. MLX's allocator owns it, or an update could not
 * reuse it.
 */
Tensor AllocateSlab(const PoolGeometry& geometry, size_t slack_bytes = 0);

/** How far beyond an array its buffer may reach for MLX to reuse it for an update. */
constexpr size_t kSpareBufferBytes = 16384;

}  // namespace resident
