#include <mlx/allocator.h>
#include <mlx/fast.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

#include <algorithm>
#include <limits>
#include <map>
#include <utility>

#include "core/device.h"
#include "core/gated_activation.h"
#include "core/loader.h"
#include "core/ops.h"
#include "core/quantised_heads.h"
#include "core/slab.h"
#include "kernels/rotary.h"
#include "kernels/window.h"

namespace resident {
namespace {

struct MlxLinear final : Linear {
  explicit MlxLinear(std::vector<Matrix> m) : matrices(std::move(m)) {}
  uint64_t bytes() const override {
    uint64_t sum = 0;
    for (const Matrix& m : matrices) {
      sum += m.weight.nbytes() + (m.scales ? m.scales->nbytes() : 0) + (m.zeros ? m.zeros->nbytes() : 0);
    }
    return sum;
  }
  std::vector<Matrix> matrices;
};

struct MlxNorm final : Norm {
  explicit MlxNorm(Tensor w) : weight(std::move(w)) {}
  Tensor weight;
  /** Where it is of queries: [heads + kvHeads, 1, headDim] with the keys' weight, made by the first step. */
  mutable std::optional<Tensor> of_all_heads;
};

/**
 * One sequence's part of a step: its context is a view where `blocks` is empty, token 0 at `first_slot` (which may be
 * before the slab where no token so early is read).
 */
struct MlxSpan {
  int first_row, rows, context_tokens, first_slot;
  std::optional<Tensor> blocks;  // i32

  /** The first token that the first row sees. */
  int FirstKey(int window) const { return kernels::FirstKey(context_tokens - rows, window); }
  /** Whether a row sees less than all tokens from the first row's first to itself. */
  bool NeedsMask(int window) const { return window > 0 && rows > 1 && context_tokens > window; }
};

/** What the layers of a group share. */
struct MlxGroup {
  MlxGroup(const GroupRows& group, int block_tokens) : slots(MakeInts(group.slots)) {
    for (const SequenceSpan& span : group.sequences) {
      const int zero = (span.blocks[size_t(span.first_block)] - span.first_block) * block_tokens;
      sequences.push_back({span.first_row, span.rows, span.context_tokens, zero,
                           span.one_run ? std::nullopt : std::optional(MakeInts(span.blocks))});
    }
  }
  Tensor slots;
  std::vector<MlxSpan> sequences;
};

struct MlxRows final : StepRows {
  explicit MlxRows(const RowPlan& plan)
      : rows(plan.rows()),
        block_tokens(plan.block_tokens),
        host_positions(plan.positions),
        ids(MakeInts(plan.ids)),
        positions(MakeInts(plan.positions)),
        group_of_layer(plan.group_of_layer) {
    for (const GroupRows& group : plan.groups) groups.emplace_back(group, plan.block_tokens);
  }

  const MlxGroup& GroupFor(const AttentionLayer& layer) const {
    return groups[size_t(group_of_layer[size_t(layer.index)])];
  }
  /** bool [rows, tokens from FirstKey]: what each row of a sequence sees. The same for all layers of a window. */
  const Tensor& MaskOf(const MlxSpan& span, size_t sequence, int window) const {
    const auto [found, fresh] = masks.try_emplace({sequence, window}, Tensor(false));
    if (fresh) {
      const int first_key = span.FirstKey(window), keys = span.context_tokens - first_key;
      const auto allowed = std::make_unique<bool[]>(size_t(span.rows) * size_t(keys));
      for (int row = 0; row < span.rows; ++row) {
        const int position = span.context_tokens - span.rows + row;
        const int from = kernels::FirstKey(position, window);
        std::fill_n(allowed.get() + size_t(row) * size_t(keys) + size_t(from - first_key), position + 1 - from, true);
      }
      found->second = Tensor(allowed.get(), mx::Shape{span.rows, keys}, mx::bool_);
    }
    return found->second;
  }

  /** [R, 1, 1, 1]: what queries are multiplied by. The same for all layers. */
  const Tensor& PositionFactors(const PositionScale& scale, mx::Dtype type, mx::Device device) const {
    if (!position_factors) {
      std::vector<float> factors;
      for (const int32_t position : host_positions) factors.push_back(kernels::PositionFactor(scale, position));
      position_factors = mx::astype(Tensor(factors.begin(), mx::Shape{rows, 1, 1, 1}, mx::float32), type, device);
    }
    return *position_factors;
  }

  int rows, block_tokens;
  std::vector<int32_t> host_positions;
  Tensor ids, positions;
  std::vector<MlxGroup> groups;
  std::vector<int> group_of_layer;
  mutable std::map<std::pair<size_t, int>, Tensor> masks;
  mutable std::optional<Tensor> position_factors;
};

struct MlxRope final : Rope {
  explicit MlxRope(const RopeTable& t) : table(t) {
    if (!t.wavelengths.empty()) {
      wavelengths = Tensor(t.wavelengths.begin(), mx::Shape{int(t.wavelengths.size())}, mx::float32);
    }
  }
  RopeTable table;
  std::optional<Tensor> wavelengths;
};

/** Stock MLX. Slabs are token-major, [1, slots, kvHeads, headDim]: a run of blocks is one strided view (no copy). */
class MlxOps final : public Ops {
 public:
  MlxOps(mx::Device device, MlxGraph graph) : device_(device), graph_(graph) {
    if (graph == MlxGraph::kForCpu) return;
    for (const Activation activation : {Activation::kSilu, Activation::kGeluTanh}) {
      compiled_[activation] = CompileGatedActivation(activation, device);
    }
  }

  BackEnd back_end() const override { return {"mlx", "", 0}; }
  kernels::ThreadPool* threads() const override { return nullptr; }
  std::string numerics_id() const override {
    return (graph_ == MlxGraph::kForGpu ? "ops_mlx-2/mlx-" : "ops_mlx-1/mlx-") + MlxVersion() + "/" +
           DeviceClass(device_);
  }
  DataType usual_kv_dtype(DataType activations) const override { return activations; }
  std::string_view layout_id(DataType kv_dtype) const override {
    return kv_dtype == DataType::kQ8 ? "token-major-q8-1" : "token-major-1";
  }
  SlabLayout LayoutOf(const PoolGeometry& geometry) const override {
    return {{{1, geometry.slot_bytes()}}, {{1, geometry.slot_bytes()}}};
  }
  bool takes_stored_types() const override { return false; }
  bool writes_slabs_directly() const override { return false; }

  uint64_t StepBytes(const ModelConfig& config, const StepShape& shape) const override {
    return StockStepBytes(config, device_ == mx::Device::gpu, shape);
  }
  // MLX's own limits: too little on a CPU, and on a GPU nearly all memory.
  uint64_t kept_array_bytes() const override { return uint64_t(device_ == mx::Device::gpu ? 512 : 256) << 20; }

  uint64_t PreparedBytes(const Quantization& q, uint64_t outputs, uint64_t inputs, DataType scales) const override {
    return outputs *
           (inputs * uint64_t(q.bits) / 8 + inputs / uint64_t(q.group_size) * (q.affine() ? 2 : 1) * SizeOf(scales));
  }

  std::unique_ptr<Linear> PrepareLinear(std::vector<Matrix> matrices) const override {
    return std::make_unique<MlxLinear>(std::move(matrices));
  }

  std::unique_ptr<Norm> PrepareNorm(Tensor weight) const override {
    return std::make_unique<MlxNorm>(std::move(weight));
  }

  std::unique_ptr<Rope> PrepareRope(const RopeTable& table, int) const override {
    return std::make_unique<MlxRope>(table);
  }

  std::unique_ptr<StepRows> PrepareRows(const RowPlan& plan) const override { return std::make_unique<MlxRows>(plan); }

  Tensor MakeSlab(const PoolGeometry& geometry) const override { return AllocateSlab(geometry); }

  Tensor Embed(const Linear& table, float scale, const StepRows& rows) const override {
    const Tensor x =
        EmbedRows(static_cast<const MlxLinear&>(table).matrices.front(), static_cast<const MlxRows&>(rows).ids);
    return scale == 1 ? x : Times(x, scale);
  }

  /** Per layer all writes come before all reads: a read of the old slab as well would force the write to copy it. */
  Attended Attend(const AttentionLayer& layer, const StepRows& step_rows, Tensor x, const Tensor& k_slab,
                  const Tensor& v_slab) const override {
    const auto& rows = static_cast<const MlxRows&>(step_rows);
    const int heads = layer.heads, all_heads = heads + layer.kv_heads;
    const Tensor in = Normed(x, layer.norm.get(), layer.norm_eps);
    Tensor both = mx::reshape(Apply(*layer.query_key, in), {rows.rows, all_heads, 1, layer.head_dim}, device_);
    if (layer.query_norm) both = NormHeads(layer, both);
    if (layer.rope) both = Rotate(*layer.rope, both, rows.positions);
    // v is a matrix of its own: a slice of a joint q-k-v would have to be copied before the scatter.
    const Tensor& slots = rows.GroupFor(layer).slots;
    const Tensor next_k = Append(k_slab, SelectHeads(both, heads, all_heads), slots, layer.head_dim);
    const Tensor next_v = Append(v_slab, Apply(*layer.value, in), slots, layer.head_dim);
    Tensor queries = SelectHeads(both, 0, heads);
    if (layer.position_scale.beta != 0) {
      queries = mx::multiply(queries, rows.PositionFactors(layer.position_scale, queries.dtype(), device_), device_);
    }
    const Tensor attended = AttendSpans(queries, next_k, next_v, rows, layer);
    return {AddOutput(x, Apply(*layer.output, attended), layer.output_norm.get(), layer), next_k, next_v};
  }

  Tensor FeedForward(const FeedForwardLayer& layer, Tensor x) const override {
    const Tensor in = Normed(x, layer.norm.get(), layer.norm_eps);
    const Tensor gate = Apply(*layer.gate, in), up = Apply(*layer.up, in);
    const auto compiled = compiled_.find(layer.activation);
    const Tensor gated = compiled == compiled_.end() ? GatedActivation(layer.activation, gate, up, device_)
                                                     : compiled->second({gate, up}).front();
    return AddOutput(x, Apply(*layer.down, gated), layer.output_norm.get(), layer);
  }

  Tensor SelectRows(const Tensor& x, const std::vector<int>& rows) const override {
    return int(rows.size()) == x.shape(0) ? x : mx::take(x, MakeInts(rows), 0, device_);
  }

  Tensor Logits(const OutputLayer& layer, const Tensor& x) const override {
    return mx::contiguous(mx::astype(RawLogits(layer, x), mx::float32, device_), false, device_);
  }

  Tensor Best(const OutputLayer& layer, const Tensor& x) const override {
    const Tensor raw = RawLogits(layer, x), lowest(-std::numeric_limits<float>::infinity(), raw.dtype());
    // arg max alone would find token 0 among NaNs.
    const Tensor logits = mx::where(mx::isnan(raw, device_), lowest, raw, device_);
    const Tensor best = mx::argmax(logits, -1, true, device_);
    const Tensor finite = mx::isfinite(mx::take_along_axis(logits, best, -1, device_), device_);
    const Tensor chosen = mx::where(finite, best, Tensor(std::numeric_limits<uint32_t>::max(), mx::uint32), device_);
    return mx::reshape(chosen, {x.shape(0)}, device_);
  }

 private:
  Tensor EmbedRows(const Matrix& m, const Tensor& ids) const {
    const auto pick = [&](const Tensor& x) { return mx::take(x, ids, 0, device_); };
    if (!m.quantization) return pick(m.weight);
    const Quantization& q = *m.quantization;
    return mx::dequantize(pick(m.weight), pick(*m.scales), m.zeros ? std::optional(pick(*m.zeros)) : std::nullopt,
                          q.group_size, q.bits, std::string(ModeName(q.mode)), std::nullopt, m.computed_in, device_);
  }

  template <typename Layer>
  Tensor AddOutput(const Tensor& x, const Tensor& output, const Norm* norm, const Layer& layer) const {
    const Tensor added = Normed(output, norm, layer.norm_eps);
    return mx::add(x, layer.residual_scale == 1 ? added : Times(added, layer.residual_scale), device_);
  }

  Tensor Times(const Tensor& x, float factor) const { return mx::multiply(x, Tensor(factor, x.dtype()), device_); }

  /** x itself without a norm. */
  Tensor Normed(const Tensor& x, const Norm* norm, float eps) const {
    return norm == nullptr ? x : RmsNorm(x, *norm, eps);
  }

  Tensor RawLogits(const OutputLayer& layer, const Tensor& x) const {
    const Tensor logits = Apply(*layer.linear, RmsNorm(x, *layer.norm, layer.norm_eps));
    return layer.logit_divisor == 1 ? logits : mx::divide(logits, Tensor(layer.logit_divisor, logits.dtype()), device_);
  }

  /** The outputs of all matrices of the layer, [R, outputs]. */
  Tensor Apply(const Linear& linear, const Tensor& x) const {
    const auto& matrices = static_cast<const MlxLinear&>(linear).matrices;
    if (matrices.size() == 1) return ApplyMatrix(matrices.front(), x);
    std::vector<Tensor> outputs;
    for (const Matrix& matrix : matrices) outputs.push_back(ApplyMatrix(matrix, x));
    return mx::concatenate(std::move(outputs), -1, device_);
  }

  Tensor RmsNorm(const Tensor& x, const Norm& norm, float eps) const {
    return mx::fast::rms_norm(x, static_cast<const MlxNorm&>(norm).weight, eps, device_);
  }

  /**
   * Queries and keys by norms of their own. One norm without a weight and one product have the bits of two norms, and
   * leave the heads together: apart they would be copied wherever a step has several rows.
   */
  Tensor NormHeads(const AttentionLayer& layer, const Tensor& heads) const {
    if (layer.joint_norms) return NormJointly(layer, heads);
    const auto& query = static_cast<const MlxNorm&>(*layer.query_norm);
    if (!query.of_all_heads) {
      const auto repeated = [&](const Norm& norm, int count) {
        return mx::broadcast_to(static_cast<const MlxNorm&>(norm).weight, {count, 1, layer.head_dim}, device_);
      };
      Tensor weights = mx::concatenate(
          {repeated(*layer.query_norm, layer.heads), repeated(*layer.key_norm, layer.kv_heads)}, 0, device_);
      mx::eval(weights);
      query.of_all_heads = std::move(weights);
    }
    return mx::multiply(mx::fast::rms_norm(heads, std::nullopt, layer.norm_eps, device_), *query.of_all_heads, device_);
  }

  /** Queries, and keys, by a norm that goes over all their heads together. */
  Tensor NormJointly(const AttentionLayer& layer, const Tensor& heads) const {
    const auto normed = [&](int first, int end, const Norm& norm) {
      const Tensor some = SelectHeads(heads, first, end);
      const Tensor rows = mx::reshape(some, {some.shape(0), -1}, device_);
      return mx::reshape(RmsNorm(rows, norm, layer.norm_eps), some.shape(), device_);
    };
    const int all_heads = layer.heads + layer.kv_heads;
    return mx::concatenate({normed(0, layer.heads, *layer.query_norm), normed(layer.heads, all_heads, *layer.key_norm)},
                           1, device_);
  }

  /** heads: [R, heads, 1, headDim]. */
  Tensor Rotate(const Rope& rope, const Tensor& heads, const Tensor& positions) const {
    // Every row is its own batch of length 1, so one call serves rows at any positions.
    const auto& r = static_cast<const MlxRope&>(rope);
    const Tensor x = r.table.magnitude == 1 ? heads : Magnify(heads, r.table);
    const std::optional<float> base = r.wavelengths ? std::nullopt : std::optional<float>(r.table.theta);
    return mx::fast::rope(x, r.table.dims, r.table.traditional, base, r.table.scale, positions, r.wavelengths, device_);
  }

  /** What is rotated of each head times the magnitude. */
  Tensor Magnify(const Tensor& heads, const RopeTable& table) const {
    const int dim = heads.shape(3);
    if (table.dims == dim) return Times(heads, table.magnitude);
    const mx::Shape all = heads.shape();
    const Tensor rotated = mx::slice(heads, {0, 0, 0, 0}, {all[0], all[1], 1, table.dims}, device_);
    const Tensor rest = mx::slice(heads, {0, 0, 0, table.dims}, all, device_);
    return mx::concatenate({Times(rotated, table.magnitude), rest}, 3, device_);
  }

  /** The slab with `rows` written at `slots`: in place when the caller gives the only handle. */
  Tensor Append(const Tensor& slab, const Tensor& rows, const Tensor& slots, int head_dim) const {
    const int kv_heads = slab.shape(2);
    Tensor heads = mx::reshape(rows, {slots.shape(0), 1, 1, kv_heads, head_dim}, device_);
    heads = slab.dtype() == mx::uint8 ? QuantiseHeads(heads, device_) : mx::astype(heads, slab.dtype(), device_);
    return AppendRows(slab, heads, slots, device_);
  }

  /** Causal attention of every sequence's rows over its own context: [R, heads * headDim]. */
  Tensor AttendSpans(const Tensor& queries, const Tensor& k_slab, const Tensor& v_slab, const MlxRows& plan,
                     const AttentionLayer& layer) const {
    const int heads = queries.shape(1), head_dim = queries.shape(3);
    const mx::Dtype type = AttentionType(k_slab, queries);
    const Tensor all = mx::astype(mx::reshape(queries, {1, plan.rows, heads, head_dim}, device_), type, device_);
    std::vector<Tensor> outputs;
    const std::vector<MlxSpan>& sequences = plan.GroupFor(layer).sequences;
    for (size_t i = 0; i < sequences.size(); ++i) {
      const MlxSpan& span = sequences[i];
      const int first_key = span.FirstKey(layer.window);
      const bool masked = span.NeedsMask(layer.window);
      const int first = span.first_row, end = first + span.rows;
      const Tensor rows =
          span.rows == plan.rows ? all : mx::slice(all, {0, first, 0, 0}, {1, end, heads, head_dim}, device_);
      // "causal" counts from the end: the last row sees the whole context.
      const Tensor attended = mx::fast::scaled_dot_product_attention(
          SwapAxes(rows), Context(k_slab, span, plan, first_key, rows), Context(v_slab, span, plan, first_key, rows),
          layer.scale, span.rows > 1 && !masked ? "causal" : "",
          masked ? std::optional(plan.MaskOf(span, i, layer.window)) : std::nullopt, std::nullopt, false, device_);
      outputs.push_back(mx::reshape(SwapAxes(attended), {span.rows, heads * head_dim}, device_));
    }
    const Tensor attended = outputs.size() == 1 ? outputs.front() : mx::concatenate(std::move(outputs), 0, device_);
    return mx::astype(attended, queries.dtype(), device_);
  }

  /**
   * What attention computes in. On a GPU the slab's type: a step's few queries are converted, and never a context. On a
   * CPU half types are emulated, so there the context is converted.
   */
  mx::Dtype AttentionType(const Tensor& slab, const Tensor& queries) const {
    return graph_ == MlxGraph::kForGpu && slab.dtype() != mx::uint8 ? slab.dtype() : queries.dtype();
  }

  Tensor SelectHeads(const Tensor& x, int first, int end) const {
    return mx::slice(x, {0, first, 0, 0}, {x.shape(0), end, 1, x.shape(3)}, device_);
  }

  Tensor ApplyMatrix(const Matrix& m, const Tensor& x) const {
    const std::optional<Quantization>& q = m.quantization;
    Tensor y = q ? mx::quantized_matmul(x, m.weight, *m.scales, m.zeros, true, q->group_size, q->bits,
                                        std::string(ModeName(q->mode)), device_)
                 : mx::matmul(x, mx::transpose(m.weight, device_), device_);
    return m.bias ? mx::add(y, *m.bias, device_) : y;
  }

  Tensor SwapAxes(const Tensor& x) const { return mx::transpose(x, {0, 2, 1, 3}, device_); }

  /** K or V of one sequence in the queries' type; without a copy where that is the slab's and the blocks are one run.
   */
  Tensor Context(const Tensor& slab, const MlxSpan& span, const MlxRows& plan, int first_key,
                 const Tensor& queries) const {
    const Tensor stored = StoredContext(slab, span, plan, first_key);
    const bool quantised = slab.dtype() == mx::uint8;
    return mx::astype(quantised ? DequantiseHeads(stored, queries.shape(3), device_) : stored, queries.dtype(),
                      device_);
  }

  /**
   * [1, kvHeads, tokens, elements of a head], tokens from `first_key` on: a view of one run of blocks, else the blocks
   * gathered.
   */
  Tensor StoredContext(const Tensor& slab, const MlxSpan& span, const MlxRows& plan, int first_key) const {
    const int kv_heads = slab.shape(2), head_dim = slab.shape(3), tokens = span.context_tokens;
    if (!span.blocks) {
      const int zero = span.first_slot;
      return SwapAxes(mx::slice(slab, {0, zero + first_key, 0, 0}, {1, zero + tokens, kv_heads, head_dim}, device_));
    }
    const int first_block = first_key / plan.block_tokens, skipped = first_block * plan.block_tokens;
    const Tensor blocks =
        mx::reshape(slab, {slab.shape(1) / plan.block_tokens, plan.block_tokens, kv_heads, head_dim}, device_);
    const Tensor gathered = mx::reshape(mx::take(blocks, BlocksFrom(*span.blocks, first_block), 0, device_),
                                        {1, -1, kv_heads, head_dim}, device_);
    return SwapAxes(
        mx::slice(gathered, {0, first_key - skipped, 0, 0}, {1, tokens - skipped, kv_heads, head_dim}, device_));
  }

  Tensor BlocksFrom(const Tensor& blocks, int first) const {
    return first == 0 ? blocks : mx::slice(blocks, {first}, {blocks.shape(0)}, device_);
  }

  mx::Device device_;
  MlxGraph graph_;
  std::map<Activation, CompiledActivation> compiled_;  // empty: activations are computed one operation at a time
};

}  // namespace

std::unique_ptr<Ops> MakeMlxOps(mx::Device device) {
  return MakeMlxOps(device, device == mx::Device::gpu ? MlxGraph::kForGpu : MlxGraph::kForCpu);
}

std::unique_ptr<Ops> MakeMlxOps(mx::Device device, MlxGraph graph) { return std::make_unique<MlxOps>(device, graph); }

Tensor MakeInts(const std::vector<int>& values) {
  return Tensor(values.begin(), mx::Shape{int(values.size())}, mx::int32);
}

}  // namespace resident
