#include <mlx/allocator.h>

#include <algorithm>

#include "core/cpu_formats.h"
#include "core/error.h"
#include "core/loader.h"
#include "core/ops.h"
#include "core/slab.h"
#include "kernels/transformer.h"

namespace resident {
namespace {

using kernels::FloatType;
using kernels::PaddedDim;
using kernels::Transformer;

FloatType ToFloatType(mx::Dtype type) {
  if (type == mx::uint8) return FloatType::kQ8;  // only slabs are bytes
  return type == mx::float16 ? FloatType::kF16 : type == mx::bfloat16 ? FloatType::kBF16 : FloatType::kF32;
}

struct CpuLinear final : Linear {
  uint64_t bytes() const override {
    uint64_t sum = 0;
    for (const kernels::PackedMatrix& m : matrices) sum += m.bytes();
    return sum;
  }
  kernels::Matrices matrices;
};

struct CpuNorm final : Norm {
  explicit CpuNorm(std::span<const float> values) : weight(values) {}
  kernels::NormWeight weight;
};

struct CpuRope final : Rope {
  CpuRope(const RopeTable& table, int head_dim) : rotary(table, head_dim) {}
  // Grows on the thread that computes, behind a const interface: its values do not depend on when.
  mutable kernels::Rotary rotary;
};

struct CpuRows final : StepRows {
  explicit CpuRows(const RowPlan& row_plan) : plan(row_plan) {}
  const kernels::Rows& GroupFor(int layer) const { return groups[size_t(plan.group_of_layer[size_t(layer)])]; }

  RowPlan plan;  // owns the block tables
  std::vector<kernels::Rows> groups;
};

const kernels::Matrices& MatricesOf(const Linear& linear) { return static_cast<const CpuLinear&>(linear).matrices; }
const kernels::NormWeight* NormOf(const Norm* norm) {
  return norm == nullptr ? nullptr : &static_cast<const CpuNorm*>(norm)->weight;
}

kernels::Rotary* RotaryOf(const Rope* rope) {
  return rope == nullptr ? nullptr : &static_cast<const CpuRope*>(rope)->rotary;
}

/** Kernels read whole vectors of V: a slab is followed by this much. */
constexpr size_t kSlackBytes = 64;

template <typename T>
T* Address(const Tensor& x) {
  return const_cast<T*>(x.data<T>());
}

Tensor NewArray(mx::Shape shape, mx::Dtype type) {
  size_t bytes = size_of(type);
  for (const int size : shape) bytes *= size_t(size);
  return Tensor(mx::allocator::malloc(bytes), std::move(shape), type);
}

/** Of x's shape, for what is computed of it row by row: x itself when nobody else holds it. */
Tensor PlaceFor(const Tensor& x) { return x.is_donatable() ? x : NewArray(x.shape(), x.dtype()); }

/**
 * K transposed per head, V token-major per head: what the kernels read without a gather. Everything is computed at once
 * and on the caller's thread: as operations of MLX's they would wait for two threads to wake up at every step.
 */
class CpuOps final : public Ops {
 public:
  CpuOps(kernels::Level level, int threads) : transformer_(std::make_unique<Transformer>(level, threads)) {}

  BackEnd back_end() const override {
    return {"cpu", std::string(kernels::LevelName(transformer_->level())), transformer_->threads()};
  }
  kernels::ThreadPool* threads() const override { return &transformer_->pool(); }
  // Neither the processor, nor its level, nor the number of threads changes a bit of a result.
  std::string numerics_id() const override { return "ops_cpu-1"; }
  // Attention converts halves as it reads them, and long contexts wait for memory: half the bytes are the faster ones.
  DataType usual_kv_dtype(DataType) const override { return DataType::kF16; }
  std::string_view layout_id(DataType kv_dtype) const override {
    return kv_dtype == DataType::kQ8 ? "head-major-kt-q8-1" : "head-major-kt-1";
  }
  SlabLayout LayoutOf(const PoolGeometry& geometry) const override {
    const size_t heads = size_t(geometry.kv_heads), dim = size_t(geometry.head_dim), size = SizeOf(geometry.dtype);
    SlabLayout layout{{{heads * dim, size}}, {{heads, dim * size}}};
    if (geometry.dtype == DataType::kQ8) {  // kernels::QuantisedLayout
      const PieceLayout scales{heads * size_t(kernels::CacheGroups(geometry.head_dim)), kernels::kCacheScaleBytes};
      layout.k.push_back(scales);
      layout.v.push_back(scales);
    }
    return layout;
  }
  bool takes_stored_types() const override { return true; }
  bool writes_slabs_directly() const override { return true; }

  uint64_t StepBytes(const ModelConfig& config, const StepShape& shape) const override {
    return KernelStepBytes(config, transformer_->threads(), shape);
  }

  uint64_t kept_array_bytes() const override { return uint64_t(8) << 20; }  // a step makes three

  uint64_t PreparedBytes(const Quantization& q, uint64_t outputs, uint64_t inputs, DataType scales) const override {
    // Scales that are bytes become halves.
    const uint64_t group_bytes = q.affine() ? 2 * SizeOf(scales) : SizeOf(DataType::kF16);
    return outputs * (inputs * uint64_t(q.bits) / 8 + inputs / uint64_t(q.group_size) * group_bytes);
  }

  std::unique_ptr<Linear> PrepareLinear(std::vector<Matrix> matrices) const override {
    auto linear = std::make_unique<CpuLinear>();
    for (const Matrix& matrix : matrices) linear->matrices.emplace_back(SourceOf(matrix), &transformer_->pool());
    return linear;
  }

  std::unique_ptr<Norm> PrepareNorm(Tensor weight) const override {
    return std::make_unique<CpuNorm>(std::span(weight.data<float>(), weight.size()));
  }

  std::unique_ptr<Rope> PrepareRope(const RopeTable& table, int head_dim) const override {
    if (head_dim > kernels::kMaxHeadDim) {
      throw Error(ErrorCode::kModelUnsupported,
                  "heads of " + std::to_string(head_dim) + " are unknown to the CPU kernels");
    }
    return std::make_unique<CpuRope>(table, head_dim);
  }

  std::unique_ptr<StepRows> PrepareRows(const RowPlan& plan) const override {
    auto prepared = std::make_unique<CpuRows>(plan);
    for (const GroupRows& group : prepared->plan.groups) {
      kernels::Rows& rows = prepared->groups.emplace_back();
      rows.positions = plan.positions;
      rows.block_tokens = plan.block_tokens;
      for (const int32_t slot : group.slots) rows.slots.push_back({slot / plan.block_tokens, slot % plan.block_tokens});
      for (const SequenceSpan& span : group.sequences) {
        rows.sequences.push_back({span.first_row, span.rows, span.context_tokens - span.rows, span.blocks.data()});
      }
    }
    return prepared;
  }

  Tensor MakeSlab(const PoolGeometry& geometry) const override {
    // No huge pages: the first block in each would cost the time of clearing 2 MB in every slab.
    return AllocateSlab(geometry, kSlackBytes);
  }

  Tensor Embed(const Linear& table, float scale, const StepRows& rows) const override {
    const kernels::Matrices& matrices = MatricesOf(table);
    const RowPlan& plan = static_cast<const CpuRows&>(rows).plan;
    Tensor x = NewArray({plan.rows(), PaddedDim(matrices.front().inputs())}, mx::float32);
    transformer_->Embed(matrices, scale, plan.ids, Address<float>(x));
    return x;
  }

  Attended Attend(const AttentionLayer& layer, const StepRows& rows, Tensor x, const Tensor& k_slab,
                  const Tensor& v_slab) const override {
    const kernels::AttentionWeights weights{.norm = NormOf(layer.norm.get()),
                                            .output_norm = NormOf(layer.output_norm.get()),
                                            .query_key = &MatricesOf(*layer.query_key),
                                            .value = &MatricesOf(*layer.value),
                                            .output = &MatricesOf(*layer.output),
                                            .query_norm = NormOf(layer.query_norm.get()),
                                            .key_norm = NormOf(layer.key_norm.get()),
                                            .rotary = RotaryOf(layer.rope),
                                            .heads = layer.heads,
                                            .kv_heads = layer.kv_heads,
                                            .head_dim = layer.head_dim,
                                            .window = layer.window,
                                            .norm_eps = layer.norm_eps,
                                            .scale = layer.scale,
                                            .joint_norms = layer.joint_norms,
                                            .residual_scale = layer.residual_scale,
                                            .position_scale = layer.position_scale};
    // Writes K and V into the slabs in place without MLX knowing. Safe because only the pool references the slabs; a
    // new array as the result would need a copy unless every other handle were given up.
    const kernels::LayerCache cache{Address<std::byte>(k_slab), Address<std::byte>(v_slab),
                                    ToFloatType(k_slab.dtype())};
    Tensor y = PlaceFor(x);
    transformer_->Attend(weights, static_cast<const CpuRows&>(rows).GroupFor(layer.index), cache, Address<float>(x),
                         Address<float>(y));
    return {std::move(y), k_slab, v_slab};
  }

  Tensor FeedForward(const FeedForwardLayer& layer, Tensor x) const override {
    const kernels::FeedForwardWeights weights{.norm = NormOf(layer.norm.get()),
                                              .output_norm = NormOf(layer.output_norm.get()),
                                              .gate = &MatricesOf(*layer.gate),
                                              .up = &MatricesOf(*layer.up),
                                              .down = &MatricesOf(*layer.down),
                                              .activation = layer.activation,
                                              .norm_eps = layer.norm_eps,
                                              .residual_scale = layer.residual_scale};
    Tensor y = PlaceFor(x);
    transformer_->FeedForward(weights, x.shape(0), Address<float>(x), Address<float>(y));
    return y;
  }

  Tensor SelectRows(const Tensor& x, const std::vector<int>& rows) const override {
    if (int(rows.size()) == x.shape(0)) return x;
    const size_t floats = size_t(x.shape(1));
    Tensor selected = NewArray({int(rows.size()), x.shape(1)}, mx::float32);
    for (size_t i = 0; i < rows.size(); ++i) {
      std::copy_n(Address<float>(x) + size_t(rows[i]) * floats, floats, Address<float>(selected) + i * floats);
    }
    return selected;
  }

  Tensor Logits(const OutputLayer& layer, const Tensor& x) const override {
    const kernels::Matrices& head = MatricesOf(*layer.linear);
    Tensor logits = NewArray({x.shape(0), head.front().outputs()}, mx::float32);
    transformer_->Logits(*NormOf(layer.norm), layer.norm_eps, head, x.shape(0), Address<float>(x),
                         Address<float>(logits));
    if (layer.logit_divisor != 1) {
      float* all = Address<float>(logits);
      std::for_each(all, all + logits.size(), [&](float& logit) { logit /= layer.logit_divisor; });
    }
    return logits;
  }

  Tensor Best(const OutputLayer& layer, const Tensor& x) const override {
    Tensor best = NewArray({x.shape(0)}, mx::uint32);
    transformer_->Best(*NormOf(layer.norm), layer.norm_eps, MatricesOf(*layer.linear), x.shape(0), Address<float>(x),
                       reinterpret_cast<int32_t*>(Address<uint32_t>(best)));
    return best;
  }

 private:
  std::unique_ptr<Transformer> transformer_;
};

}  // namespace

std::unique_ptr<Ops> MakeCpuOps(int threads) { return std::make_unique<CpuOps>(kernels::ChooseLevel(), threads); }

}  // namespace resident
