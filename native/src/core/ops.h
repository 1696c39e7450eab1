#pragma once
#include <mlx/array.h>
#include <mlx/device.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/config.h"
#include "core/pool_geometry.h"
#include "core/rope.h"
#include "core/step_memory.h"
#include "kernels/thread_pool.h"

namespace resident {

namespace mx = mlx::core;
using Tensor = mx::array;

/**
 * One matrix as the checkpoint stores it: [outputs, inputs], packed to u32 where quantised. Then scales are
 * [outputs, inputs / group_size], and so are the zero points of affine mode. `bias` is the linear layer's own, [outputs].
 */
struct Matrix {
  Tensor weight;
  std::optional<Tensor> scales, zeros;
  std::optional<Tensor> bias;
  std::optional<Quantization> quantization;
  /** Type of the activations. */
  mx::Dtype computed_in = mx::float32;
};

/** A linear layer prepared by a back end; what is inside is the back end's own business. */
class Linear {
 public:
  virtual ~Linear() = default;
  /** Of all that a product reads. */
  virtual uint64_t bytes() const = 0;
};

/** A norm's weight prepared by a back end. */
class Norm {
 public:
  virtual ~Norm() = default;
};

/** A rotary embedding prepared by a back end. */
class Rope {
 public:
  virtual ~Rope() = default;
};

/** The rows of a step prepared by a back end. */
class StepRows {
 public:
  virtual ~StepRows() = default;
};

/** Where one sequence's rows stand in a step, and which blocks of a group hold its context. */
struct SequenceSpan {
  int first_row;
  int rows;
  int context_tokens;           // the last row's position + 1
  std::vector<int32_t> blocks;  // of the context, in order, counted from the group's first
  int first_block;              // index of the first that is read; those before may be kNoBlock
  bool one_run;                 // from there the blocks are adjacent, and may be read as one
};

/** What the layers of a group share in a step. */
struct GroupRows {
  std::vector<int32_t> slots;  // [R]: where the row's K and V go
  std::vector<SequenceSpan> sequences;
};

/** What all layers of a step share. R rows in all. */
struct RowPlan {
  int block_tokens;
  std::vector<int32_t> ids, positions;  // [R]
  std::vector<GroupRows> groups;
  std::vector<int> group_of_layer;
  int rows() const { return int(ids.size()); }
};

/**
 * x + residual_scale * output_norm(output(attention(norm(x)))). q and k are one linear layer; their own norms are there
 * together or not at all, and a family may do without the norm of the input or of the output.
 */
struct AttentionLayer {
  std::unique_ptr<Norm> norm, output_norm;
  std::unique_ptr<Linear> query_key, value, output;
  std::unique_ptr<Norm> query_norm, key_norm;
  const Rope* rope;  // nullptr: positions do not matter
  int heads, kv_heads, head_dim;
  int window;  // tokens that a row sees, its own included; 0: all
  int index;   // in the model
  float norm_eps, scale;
  bool joint_norms = false;  // query_norm goes over all heads together, and so does key_norm
  float residual_scale = 1;
  PositionScale position_scale = {};
};

/** x + residual_scale * output_norm(down(activation(gate(norm(x))) * up(norm(x)))), norms as in AttentionLayer. */
struct FeedForwardLayer {
  std::unique_ptr<Norm> norm, output_norm;
  std::unique_ptr<Linear> gate, up, down;
  Activation activation;
  float norm_eps, residual_scale;
};

/** The end of a model: linear(norm(x)) / logit_divisor, which is above 0. `linear` may be the embedding. */
struct OutputLayer {
  const Norm* norm;
  const Linear* linear;
  float norm_eps, logit_divisor;
};

/** One layer's output, and the slabs with the rows' K and V in them. */
struct Attended {
  Tensor x, k_slab, v_slab;
};

/** What computes: "mlx", or "cpu" with the instruction set and the number of threads of our own kernels. */
struct BackEnd {
  std::string ops;
  std::string level;
  int threads = 0;
};

/**
 * What a model is computed with. A back end may compute at once, or hand out arrays that are evaluated later and keep
 * pointers to their layers: layers outlive the arrays made of them.
 */
class Ops {
 public:
  virtual ~Ops() = default;

  virtual BackEnd back_end() const = 0;
  /** The threads that compute, which rest between steps; null where they are MLX's own or a GPU's. */
  virtual kernels::ThreadPool* threads() const = 0;
  /** What decides the last bits of a result: name, revision, and whatever else they depend on. */
  virtual std::string numerics_id() const = 0;
  /** K and V in the pool where nobody asks for another type; `activations`: the type of the activations. */
  virtual DataType usual_kv_dtype(DataType activations) const = 0;
  /** Layout of a block's bytes, part of its identity. */
  virtual std::string_view layout_id(DataType kv_dtype) const = 0;
  virtual SlabLayout LayoutOf(const PoolGeometry& geometry) const = 0;
  /** Whether matrices are given to it as they are stored, and not in the type of the activations. */
  virtual bool takes_stored_types() const = 0;
  /** Whether Attend writes into the slabs that it is given. */
  virtual bool writes_slabs_directly() const = 0;
  /** Bytes that this back end allocates for the intermediate results of a step: an upper bound (step_memory.h). */
  virtual uint64_t StepBytes(const ModelConfig& config, const StepShape& shape) const = 0;

  /** Bytes of freed arrays that MLX may keep for later steps: it keeps some of each size, and steps differ. */
  virtual uint64_t kept_array_bytes() const = 0;

  /** Of the weights of a quantised matrix, once it is prepared; `scale_type`: of its scales, as stored. */
  virtual uint64_t PreparedBytes(const Quantization& quantization, uint64_t outputs, uint64_t inputs,
                                 DataType scale_type) const = 0;
  /** Matrices of the same input width; their outputs follow each other in the result. */
  virtual std::unique_ptr<Linear> PrepareLinear(std::vector<Matrix> matrices) const = 0;
  virtual std::unique_ptr<Norm> PrepareNorm(Tensor weight) const = 0;
  virtual std::unique_ptr<Rope> PrepareRope(const RopeTable& table, int head_dim) const = 0;
  virtual std::unique_ptr<StepRows> PrepareRows(const RowPlan& plan) const = 0;
  /** An unwritten slab, in memory that can be updated in place. */
  virtual Tensor MakeSlab(const PoolGeometry& geometry) const = 0;

  // Nothing is checked: callers have checked ids, slots and shapes. x: [R, features], padded as the back end likes.
  virtual Tensor Embed(const Linear& table, float scale, const StepRows& rows) const = 0;
  /**
   * The slabs that come back have the rows' K and V in them, in place when the caller gives the only handles. So has
   * the result the memory of `x`, here and below.
   */
  virtual Attended Attend(const AttentionLayer& layer, const StepRows& rows, Tensor x, const Tensor& k_slab,
                          const Tensor& v_slab) const = 0;
  virtual Tensor FeedForward(const FeedForwardLayer& layer, Tensor x) const = 0;
  virtual Tensor SelectRows(const Tensor& x, const std::vector<int>& rows) const = 0;
  /** f32 [R, outputs], contiguous, for the host to read. */
  virtual Tensor Logits(const OutputLayer& layer, const Tensor& x) const = 0;
  /**
   * Index of each row's largest logit, the lowest where several are; what is no number is never the largest. All bits
   * set (kNoBest of step.h) where the largest is not finite, or there is none. u32 [R].
   */
  virtual Tensor Best(const OutputLayer& layer, const Tensor& x) const = 0;
};

/**
 * What graphs of stock operations are made for. A GPU's have fewer operations, some by mx::compile, which on a CPU
 * would need a compiler; they can be built on any machine.
 */
enum class MlxGraph { kForCpu, kForGpu };

/** Stock MLX operations on `device`; without `graph` as it suits the device. */
std::unique_ptr<Ops> MakeMlxOps(mx::Device device);
std::unique_ptr<Ops> MakeMlxOps(mx::Device device, MlxGraph graph);

/** Our own kernels, on the CPU. Throws INVALID_REQUEST where RESIDENT_CPU_LEVEL asks for what the processor lacks. */
std::unique_ptr<Ops> MakeCpuOps(int threads);

/** `threads`, or when that is 0 RESIDENT_THREADS, or as many as there are physical cores. Throws INVALID_REQUEST. */
int ChooseThreads(int threads);

/**
 * What RESIDENT_OPS says ("mlx" or "cpu"), otherwise our kernels on a CPU that they are made for and stock operations
 * everywhere else. `threads` as for ChooseThreads.
 */
std::unique_ptr<Ops> ChooseOps(mx::Device device, int threads);

/** An i32 vector. */
Tensor MakeInts(const std::vector<int>& values);

}  // namespace resident
