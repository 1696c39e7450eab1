#include "core/quantised_heads.h"

#include <mlx/ops.h>

#include "kernels/quantised_head.h"

namespace resident {
namespace {

using kernels::CacheGroups;
using kernels::kCacheGroup;

mx::Shape WithLast(const mx::array& x, std::initializer_list<int> last) {
  mx::Shape shape(x.shape().begin(), x.shape().end() - 1);
  for (const int size : last) shape.push_back(size);
  return shape;
}

/** [..., headDim] as [..., groups, 32], zeros where the last group is shorter. */
mx::array Grouped(const mx::array& x, mx::Device device) {
  const int dim = x.shape(-1), groups = CacheGroups(dim), missing = groups * kCacheGroup - dim;
  const mx::array whole =
      missing == 0 ? x : mx::concatenate({x, mx::zeros(WithLast(x, {missing}), x.dtype(), device)}, -1, device);
  return mx::reshape(whole, WithLast(x, {groups, kCacheGroup}), device);
}

mx::array SliceLast(const mx::array& x, int begin, int end, mx::Device device) {
  mx::Shape from(x.ndim(), 0), to = x.shape();
  from.back() = begin;
  to.back() = end;
  return mx::slice(x, std::move(from), std::move(to), device);
}

/** The smallest halves that are not below `steps`: the nearest ones, or their successors. */
mx::array HalvesNotBelow(const mx::array& steps, mx::Device device) {
  const mx::array nearest = mx::astype(steps, mx::float16, device);
  const mx::array below = mx::less(mx::astype(nearest, mx::float32, device), steps, device);
  const mx::array bits = mx::add(mx::view(nearest, mx::uint16, device), mx::astype(below, mx::uint16, device), device);
  return mx::view(bits, mx::float16, device);
}

}  // namespace

mx::array QuantiseHeads(const mx::array& heads, mx::Device device) {
  const int dim = heads.shape(-1);
  const mx::array groups = Grouped(mx::astype(heads, mx::float32, device), device);
  const mx::array largest = mx::max(mx::abs(groups, device), -1, true, device);
  const mx::array scales = HalvesNotBelow(mx::divide(largest, mx::array(127.f), device), device);
  const mx::array wide = mx::astype(scales, mx::float32, device), zero(0.f);
  const mx::array inverse = mx::where(mx::equal(wide, zero, device), zero, mx::reciprocal(wide, device), device);
  // A group that is not finite has a scale that is neither, and is NaN whatever its bytes are.
  const mx::array finite = mx::where(mx::isfinite(groups, device), groups, zero, device);
  const mx::array values = mx::astype(mx::round(mx::multiply(finite, inverse, device), device), mx::int8, device);
  const mx::array joined = mx::reshape(values, WithLast(heads, {groups.shape(-2) * kCacheGroup}), device);
  const mx::array flat =
      mx::contiguous(mx::reshape(scales, WithLast(heads, {groups.shape(-2)}), device), false, device);
  return mx::concatenate({mx::view(mx::contiguous(SliceLast(joined, 0, dim, device), false, device), mx::uint8, device),
                          mx::view(flat, mx::uint8, device)},
                         -1, device);
}

mx::array DequantiseHeads(const mx::array& bytes, int head_dim, mx::Device device) {
  const int size = bytes.shape(-1);
  const mx::array values = mx::view(SliceLast(bytes, 0, head_dim, device), mx::int8, device);
  const mx::array scales =
      mx::view(mx::contiguous(SliceLast(bytes, head_dim, size, device), false, device), mx::float16, device);
  const mx::array groups = Grouped(mx::astype(values, mx::float32, device), device);
  const mx::array scaled =
      mx::multiply(groups, mx::expand_dims(mx::astype(scales, mx::float32, device), -1, device), device);
  const mx::array joined = mx::reshape(scaled, WithLast(bytes, {groups.shape(-2) * kCacheGroup}), device);
  return SliceLast(joined, 0, head_dim, device);
}

}  // namespace resident
