#pragma once
#include <mlx/array.h>
#include <mlx/device.h>

namespace resident {

namespace mx = mlx::core;

// K and V in 8 bits by stock operations, by the rule of kernels/quantised_head.h. A head's bytes: its values, then the
// scales of its groups.

/** [..., headDim] of any float type as bytes, [..., bytes of a head]. */
mx::array QuantiseHeads(const mx::array& heads, mx::Device device);

/** The reverse, as f32. */
mx::array DequantiseHeads(const mx::array& bytes, int head_dim, mx::Device device);

}  // namespace resident
