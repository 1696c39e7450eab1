#include <mlx/allocator.h>
#include <mlx/backend/cpu/encoder.h>
#include <mlx/ops.h>
#include <mlx/primitives.h>

#include <algorithm>
#include <cstring>

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

/** Shared with the primitives, which outlive the step's plan. */
struct RowsData {
  RowPlan plan;  // owns the block tables
  std::vector<kernels::Rows> groups;

  const kernels::Rows& GroupFor(int layer) const { return groups[size_t(plan.group_of_layer[size_t(layer)])]; }
};

struct CpuRows final : StepRows {
  std::shared_ptr<const RowsData> data;
};

const kernels::Matrices& MatricesOf(const Linear& linear) { return static_cast<const CpuLinear&>(linear).matrices; }
const kernels::NormWeight* NormOf(const Norm* norm) {
  return norm == nullptr ? nullptr : &static_cast<const CpuNorm*>(norm)->weight;
}

/**
 * A part of the model as one MLX operation. `work` gets the addresses of the inputs and of the output and runs on the
 * stream's thread, where parts follow each other: they may share a Transformer and its scratch memory. With `in_place`
 * the output takes the memory of input 0 when nobody else holds it.
 */
class Part final : public mx::UnaryPrimitive {
 public:
  using Work = std::function<void(const std::vector<std::byte*>& inputs, std::byte* output)>;

  Part(mx::Stream stream, const char* name, bool in_place, Work work)
      : UnaryPrimitive(stream), name_(name), in_place_(in_place), work_(std::move(work)) {}

  void eval_cpu(const std::vector<Tensor>& inputs, Tensor& output) override {
    std::vector<std::byte*> from;
    for (const Tensor& input : inputs) from.push_back(Address(input));
    if (in_place_ && inputs[0].is_donatable()) {
      output.copy_shared_buffer(inputs[0]);
    } else {
      output.set_data(mx::allocator::malloc(output.nbytes()));
    }
    // The stream keeps the buffers until this has run; the work is copied, since the graph may go before.
    mx::cpu::get_command_encoder(stream()).dispatch(
        [work = work_, from = std::move(from), to = Address(output)] { work(from, to); });
  }

  void eval_gpu(const std::vector<Tensor>&, Tensor&) override {
    throw Error(ErrorCode::kNativeFailure, "CPU kernels were asked to run on a GPU");
  }

  const char* name() const override { return name_; }

 private:
  static std::byte* Address(const Tensor& x) { return const_cast<std::byte*>(x.data<std::byte>()); }

  const char* name_;
  bool in_place_;
  Work work_;
};

/** Kernels read whole vectors of V: a slab is followed by this much. */
constexpr size_t kSlackBytes = 64;

float* AsFloats(std::byte* bytes) { return reinterpret_cast<float*>(bytes); }

/** K transposed per head, V token-major per head: what the kernels read without a gather. */
class CpuOps final : public Ops {
 public:
  CpuOps(kernels::Level level, int threads) : transformer_(std::make_unique<Transformer>(level, threads)) {}

  BackEnd back_end() const override {
    return {"cpu", std::string(kernels::LevelName(transformer_->level())), transformer_->threads()};
  }
  // Neither the processor, nor its level, nor the number of threads changes a bit of a result.
  std::string numerics_id() const override { return "ops_cpu-1"; }
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

  uint64_t StepBytes(const ModelConfig& config, uint64_t rows, uint64_t, uint64_t) const override {
    const uint64_t qkv = uint64_t((config.num_heads + 2 * config.num_kv_heads) * config.head_dim);
    const uint64_t widest = uint64_t(std::max(config.intermediate_size, config.hidden_size));
    return rows * sizeof(float) * (2 * qkv + 3 * uint64_t(config.hidden_size) + 3 * widest);
  }

  std::unique_ptr<Linear> PrepareLinear(std::vector<Matrix> matrices) const override {
    auto linear = std::make_unique<CpuLinear>();
    for (const Matrix& m : matrices) {
      const int bits = m.quantization ? m.quantization->bits : 0;
      const int group_size = m.quantization ? m.quantization->group_size : 0;
      if (bits != 0 && !kernels::PackedMatrix::Supports(bits, group_size)) {
        throw Error(ErrorCode::kModelUnsupported,
                    std::to_string(bits) + " bits in groups of " + std::to_string(group_size) +
                        " are unknown to the CPU kernels; RESIDENT_OPS=mlx may know them");
      }
      const int outputs = m.weight.shape(0), inputs = bits == 0 ? m.weight.shape(1) : m.weight.shape(1) * 32 / bits;
      linear->matrices.emplace_back(kernels::SourceMatrix{
          .outputs = outputs,
          .inputs = inputs,
          .bits = bits,
          .group_size = group_size,
          .type = ToFloatType(m.scales ? m.scales->dtype() : m.weight.dtype()),
          .weights = m.weight.data<std::byte>(),
          .scales = m.scales ? m.scales->data<std::byte>() : nullptr,
          .zeros = m.zeros ? m.zeros->data<std::byte>() : nullptr,
          .bias = m.bias ? m.bias->data<float>() : nullptr,
      });
    }
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
    auto data = std::make_shared<RowsData>();
    data->plan = plan;
    for (const GroupRows& group : data->plan.groups) {
      kernels::Rows& rows = data->groups.emplace_back();
      rows.positions = plan.positions;
      rows.block_tokens = plan.block_tokens;
      for (const int32_t slot : group.slots) rows.slots.push_back({slot / plan.block_tokens, slot % plan.block_tokens});
      for (const SequenceSpan& span : group.sequences) {
        rows.sequences.push_back({span.first_row, span.rows, span.context_tokens - span.rows, span.blocks.data()});
      }
    }
    auto prepared = std::make_unique<CpuRows>();
    prepared->data = std::move(data);
    return prepared;
  }

  Tensor MakeSlab(const PoolGeometry& geometry) const override {
    // No huge pages: the first block in each would cost the time of clearing 2 MB in every slab.
    return AllocateSlab(geometry, kSlackBytes);
  }

  Tensor Embed(const Linear& table, float scale, const StepRows& rows) const override {
    const kernels::Matrices& matrices = MatricesOf(table);
    const auto data = static_cast<const CpuRows&>(rows).data;
    return One("Embed", {data->plan.rows(), PaddedDim(matrices.front().inputs())}, mx::float32, {},
               [&t = *transformer_, &matrices, scale, data](const auto&, std::byte* to) {
                 t.Embed(matrices, scale, data->plan.ids, AsFloats(to));
               });
  }

  Attended Attend(const AttentionLayer& layer, const StepRows& rows, const Tensor& x, const Tensor& k_slab,
                  const Tensor& v_slab) const override {
    const kernels::AttentionWeights weights{.norm = NormOf(layer.norm.get()),
                                            .output_norm = NormOf(layer.output_norm.get()),
                                            .query_key = &MatricesOf(*layer.query_key),
                                            .value = &MatricesOf(*layer.value),
                                            .output = &MatricesOf(*layer.output),
                                            .query_norm = NormOf(layer.query_norm.get()),
                                            .key_norm = NormOf(layer.key_norm.get()),
                                            .rotary = &static_cast<const CpuRope*>(layer.rope)->rotary,
                                            .heads = layer.heads,
                                            .kv_heads = layer.kv_heads,
                                            .head_dim = layer.head_dim,
                                            .window = layer.window,
                                            .norm_eps = layer.norm_eps,
                                            .scale = layer.scale};
    const auto data = static_cast<const CpuRows&>(rows).data;
    const FloatType type = ToFloatType(k_slab.dtype());
    // K and V are written where they lie, behind MLX's back: steps follow each other, nobody but the pool has the
    // slabs, and a slab that came out as a new array could only be had without a copy by giving up every other handle.
    const auto work = [&t = *transformer_, weights, data, type, index = layer.index](const auto& from, std::byte* to) {
      t.Attend(weights, data->GroupFor(index), {from[1], from[2], type}, AsFloats(from[0]), AsFloats(to));
    };
    return {One("Attend", x.shape(), mx::float32, {x, k_slab, v_slab}, work, true), k_slab, v_slab};
  }

  Tensor FeedForward(const FeedForwardLayer& layer, const Tensor& x) const override {
    const kernels::FeedForwardWeights weights{.norm = NormOf(layer.norm.get()),
                                              .output_norm = NormOf(layer.output_norm.get()),
                                              .gate = &MatricesOf(*layer.gate),
                                              .up = &MatricesOf(*layer.up),
                                              .down = &MatricesOf(*layer.down),
                                              .activation = layer.activation,
                                              .norm_eps = layer.norm_eps};
    const int rows = x.shape(0);
    return One(
        "FeedForward", x.shape(), mx::float32, {x},
        [&t = *transformer_, weights, rows](const auto& from, std::byte* to) {
          t.FeedForward(weights, rows, AsFloats(from[0]), AsFloats(to));
        },
        true);
  }

  Tensor SelectRows(const Tensor& x, const std::vector<int>& rows) const override {
    if (int(rows.size()) == x.shape(0)) return x;
    const size_t bytes = size_t(x.shape(1)) * sizeof(float);
    return One("SelectRows", {int(rows.size()), x.shape(1)}, mx::float32, {x},
               [rows, bytes](const auto& from, std::byte* to) {
                 for (size_t i = 0; i < rows.size(); ++i) {
                   std::memcpy(to + i * bytes, from[0] + size_t(rows[i]) * bytes, bytes);
                 }
               });
  }

  Tensor Logits(const OutputLayer& layer, const Tensor& x) const override {
    const auto& head = MatricesOf(*layer.linear);
    return One("Logits", {x.shape(0), head.front().outputs()}, mx::float32, {x},
               OutputWork(&Transformer::Logits, layer, x));
  }

  Tensor Best(const OutputLayer& layer, const Tensor& x) const override {
    return One("Best", {x.shape(0)}, mx::uint32, {x}, OutputWork(&Transformer::Best, layer, x));
  }

 private:
  Tensor One(const char* name, mx::Shape shape, mx::Dtype type, std::vector<Tensor> inputs, Part::Work work,
             bool in_place = false) const {
    return Tensor(std::move(shape), type, std::make_shared<Part>(stream_, name, in_place, std::move(work)),
                  std::move(inputs));
  }

  template <typename T>
  Part::Work OutputWork(void (Transformer::*method)(const kernels::NormWeight&, float, const kernels::Matrices&, int,
                                                    const float*, T*),
                        const OutputLayer& layer, const Tensor& x) const {
    return [&t = *transformer_, method, layer, rows = x.shape(0)](const auto& from, std::byte* to) {
      (t.*method)(*NormOf(layer.norm), layer.norm_eps, MatricesOf(*layer.linear), rows, AsFloats(from[0]),
                  reinterpret_cast<T*>(to));
    };
  }

  std::unique_ptr<Transformer> transformer_;
  mx::Stream stream_ = mx::default_stream(mx::Device::cpu);
};

}  // namespace

std::unique_ptr<Ops> MakeCpuOps(int threads) { return std::make_unique<CpuOps>(kernels::ChooseLevel(), threads); }

}  // namespace resident
