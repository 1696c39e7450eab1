#include "core/slab.h"

#include <mlx/allocator.h>
#include <mlx/ops.h>

#include "core/loader.h"

namespace resident {
namespace {

#if defined(__APPLE__)
constexpr AllocatorRules kAllocator = kMetalAllocator;
#else
constexpr AllocatorRules kAllocator = kPlainAllocator;
#endif

}  // namespace

Tensor AllocateSlab(const PoolGeometry& geometry, size_t slack_bytes) {
  const size_t bytes = size_t(geometry.slots()) * geometry.slot_bytes() + slack_bytes;
  Tensor slab(mx::Shape{1, geometry.slots(), geometry.kv_heads, geometry.head_elements()}, ToMlx(geometry.dtype),
              nullptr, {});
  mx::allocator::Data memory = mx::allocator::malloc(SlabRequest(bytes, kAllocator));
  mx::allocator::Buffer buffer = memory.buffer();
  const size_t behind = reinterpret_cast<uintptr_t>(buffer.raw_ptr()) % kSlabAlignment;
  const size_t skipped = behind == 0 ? 0 : kSlabAlignment - behind;
  slab.set_data(std::move(memory), slab.size(), slab.strides(),
                {.contiguous = true, .row_contiguous = true, .col_contiguous = false}, int64_t(skipped));
  slab.set_status(Tensor::Status::available);
  return slab;
}

Tensor AppendRows(const Tensor& slab, const Tensor& rows, const Tensor& slots, mx::Device device) {
  return mx::scatter(slab, {slots}, rows, std::vector<int>{1}, device);
}

}  // namespace resident
