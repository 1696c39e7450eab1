#pragma once
#include <mlx/array.h>
#include <mlx/device.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/rope.h"

namespace resident {

namespace mx = mlx::core;
using Tensor = mx::array;

/**
 * One matrix as the checkpoint stores it: [outputs, inputs], packed to u32 where quantised (then scales and zero points
 * are [outputs, inputs / group_size]). `bias` is the linear layer's own, [outputs].
 */
struct Matrix {
  Tensor weight;
  std::optional<Tensor> scales, zeros;
  std::optional<Tensor> bias;
  std::optional<Quantization> quantization;
};

/** A linear layer prepared by a back end; what is inside is the back end's own business. */
class Linear {
 public:
  virtual ~Linear() = default;
};

/** A rotary embedding prepared by a back end. */
class Rope {
 public:
  virtual ~Rope() = default;
};

/** Where one sequence's rows stand in a step, and which slots hold its context. */
struct SequenceSpan {
  int first_row;
  int rows;
  int context_tokens;  // the last row's position + 1
  /** First slot of a context that lies in one run of adjacent blocks; −1 where `blocks` has to be followed. */
  int first_slot;
  std::optional<Tensor> blocks;  // i32 [blocks of the context], in order
};

/** What all layers of a step share. R rows in all. */
struct RowPlan {
  int rows;
  int block_tokens;
  Tensor ids;        // i32 [R]
  Tensor positions;  // i32 [R]
  Tensor slots;      // i32 [R]: where the row's K and V go
  std::vector<SequenceSpan> sequences;
};

/**
 * The operations that the models are written over. A back end decides how they are computed and how a slab is laid
 * out inside. Shapes: activations [R, features]; q, k, v rows [R, heads, 1, headDim]; slabs are the back end's.
 * Nothing is checked here: callers have checked ids, slots and shapes.
 */
class Ops {
 public:
  virtual ~Ops() = default;

  /** Name and revision, part of the numerics id. */
  virtual std::string_view id() const = 0;
  /** Layout of a slot's bytes, part of a block's identity. */
  virtual std::string_view layout_id() const = 0;

  /** Matrices of the same input width; their outputs follow each other in the result. */
  virtual std::unique_ptr<Linear> PrepareLinear(std::vector<Matrix> matrices) const = 0;
  virtual std::unique_ptr<Rope> PrepareRope(const RopeTable& table, int head_dim) const = 0;
  /** An unwritten slab for `slots` positions, in memory that can be updated in place. */
  virtual Tensor MakeSlab(int slots, int kv_heads, int head_dim, mx::Dtype dtype) const = 0;

  virtual Tensor Embed(const Linear& table, const Tensor& ids) const = 0;
  virtual Tensor Apply(const Linear& linear, const Tensor& x) const = 0;
  virtual Tensor RmsNorm(const Tensor& x, const Tensor& weight, float eps) const = 0;
  virtual Tensor Rotate(const Rope& rope, const Tensor& heads, const Tensor& positions) const = 0;
  /** The slab with `rows` written at `slots`: in place when the caller gives the only handle. */
  virtual Tensor Append(const Tensor& slab, const Tensor& rows, const Tensor& slots) const = 0;
  /** Causal attention of every sequence's rows over its own context: [R, heads * headDim]. */
  virtual Tensor Attend(const Tensor& queries, const Tensor& k_slab, const Tensor& v_slab, const RowPlan& plan,
                        float scale) const = 0;
  virtual Tensor GatedSilu(const Tensor& gate, const Tensor& up) const = 0;
  virtual Tensor Add(const Tensor& a, const Tensor& b) const = 0;

  virtual Tensor SplitHeads(const Tensor& x, int heads, int head_dim) const = 0;  // [R, heads, 1, headDim]
  virtual Tensor SelectHeads(const Tensor& x, int first, int end) const = 0;
  virtual Tensor JoinHeads(const Tensor& a, const Tensor& b) const = 0;
  virtual Tensor SelectRows(const Tensor& x, const std::vector<int>& rows) const = 0;

  /** Index of each row's largest value, the lowest where several are: u32 [R]. */
  virtual Tensor ArgMax(const Tensor& x) const = 0;
  /** `x` as contiguous f32, for the host to read. */
  virtual Tensor ToHostFloats(const Tensor& x) const = 0;
};

/** Stock MLX operations on `device`. */
std::unique_ptr<Ops> MakeMlxOps(mx::Device device);

/** An i32 vector. */
Tensor MakeInts(const std::vector<int>& values);

}  // namespace resident
