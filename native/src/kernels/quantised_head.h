#pragma once
#include <cstddef>
#include <cstdint>

namespace resident::kernels {

// K and V in 8 bits. Every token's head is quantised by itself, so that nothing depends on what came in one chunk with
// it: groups of 32 values share a scale in f16, the smallest one that is not below largest / 127, and a value is the
// signed byte nearest to value / scale. Rounding the scale up keeps bytes within ±127. A group that f16 has no scale
// for (beyond 8.3e6, or not finite) becomes NaN as a whole and is found as such: it is never wrong silently.

constexpr int kCacheGroup = 32;
constexpr size_t kCacheScaleBytes = 2;

constexpr int CacheGroups(int head_dim) { return (head_dim + kCacheGroup - 1) / kCacheGroup; }

/** Of one token's head: the values, then the scales. */
constexpr size_t QuantisedHeadBytes(int head_dim) {
  return size_t(head_dim) + size_t(CacheGroups(head_dim)) * kCacheScaleBytes;
}

/**
 * Where the kernels find a quantised head: a block begins with the values of all heads, K [head][dim][token] or
 * V [head][token][dim], and ends with their scales, [head][group][token] for both: scales of neighbouring tokens are
 * read as vectors. In bytes from the start of a slab.
 */
struct QuantisedLayout {
  int kv_heads, head_dim, block_tokens;

  constexpr size_t Values(int block, int head) const {
    return size_t(block) * BlockBytes() + size_t(head) * size_t(head_dim) * size_t(block_tokens);
  }
  constexpr size_t Scales(int block, int head) const {
    const size_t head_bytes = size_t(CacheGroups(head_dim)) * size_t(block_tokens) * kCacheScaleBytes;
    return Values(block, kv_heads) + size_t(head) * head_bytes;
  }
  constexpr size_t BlockBytes() const { return size_t(kv_heads) * QuantisedHeadBytes(head_dim) * size_t(block_tokens); }
};

}  // namespace resident::kernels
