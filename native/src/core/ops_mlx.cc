#include <mlx/allocator.h>
#include <mlx/fast.h>
#include <mlx/ops.h>

#include "core/ops.h"

namespace resident {
namespace {

struct MlxLinear final : Linear {
  explicit MlxLinear(std::vector<Matrix> m) : matrices(std::move(m)) {}
  std::vector<Matrix> matrices;
};

struct MlxRope final : Rope {
  MlxRope(const RopeTable& t, int dim) : table(t), head_dim(dim) {
    if (!t.wavelengths.empty()) {
      wavelengths = Tensor(t.wavelengths.begin(), mx::Shape{int(t.wavelengths.size())}, mx::float32);
    }
  }
  RopeTable table;
  int head_dim;
  std::optional<Tensor> wavelengths;
};

/** Stock MLX. Slabs are token-major, [1, slots, kvHeads, headDim]: a run of blocks is one strided view (no copy). */
class MlxOps final : public Ops {
 public:
  explicit MlxOps(mx::Device device) : device_(device) {}

  std::string_view id() const override { return "ops_mlx-1"; }
  std::string_view layout_id() const override { return "token-major-1"; }

  std::unique_ptr<Linear> PrepareLinear(std::vector<Matrix> matrices) const override {
    return std::make_unique<MlxLinear>(std::move(matrices));
  }

  std::unique_ptr<Rope> PrepareRope(const RopeTable& table, int head_dim) const override {
    return std::make_unique<MlxRope>(table, head_dim);
  }

  Tensor MakeSlab(int slots, int kv_heads, int head_dim, mx::Dtype dtype) const override {
    // MLX's allocator must own the memory, or an update could not reuse it; untouched pages cost nothing.
    const size_t bytes = size_t(slots) * size_t(kv_heads) * size_t(head_dim) * mx::size_of(dtype);
    return Tensor(mx::allocator::malloc(bytes), mx::Shape{1, slots, kv_heads, head_dim}, dtype);
  }

  Tensor Embed(const Linear& table, const Tensor& ids) const override {
    const Matrix& m = static_cast<const MlxLinear&>(table).matrices.front();
    const auto pick = [&](const Tensor& x) { return mx::take(x, ids, 0, device_); };
    if (!m.quantization) return pick(m.weight);
    return mx::dequantize(pick(m.weight), pick(*m.scales), pick(*m.zeros), m.quantization->group_size,
                          m.quantization->bits, "affine", std::nullopt, std::nullopt, device_);
  }

  Tensor Apply(const Linear& linear, const Tensor& x) const override {
    const auto& matrices = static_cast<const MlxLinear&>(linear).matrices;
    if (matrices.size() == 1) return ApplyMatrix(matrices.front(), x);
    std::vector<Tensor> outputs;
    for (const Matrix& matrix : matrices) outputs.push_back(ApplyMatrix(matrix, x));
    return mx::concatenate(std::move(outputs), -1, device_);
  }

  Tensor RmsNorm(const Tensor& x, const Tensor& weight, float eps) const override {
    return mx::fast::rms_norm(x, weight, eps, device_);
  }

  Tensor Rotate(const Rope& rope, const Tensor& heads, const Tensor& positions) const override {
    // Every row is its own batch of length 1, so one call serves rows at any positions.
    const auto& r = static_cast<const MlxRope&>(rope);
    const Tensor x = r.table.magnitude == 1
                         ? heads
                         : mx::multiply(heads, mx::astype(Tensor(r.table.magnitude), heads.dtype(), device_), device_);
    const std::optional<float> base = r.wavelengths ? std::nullopt : std::optional<float>(r.table.theta);
    return mx::fast::rope(x, r.head_dim, r.table.traditional, base, r.table.scale, positions, r.wavelengths, device_);
  }

  Tensor Append(const Tensor& slab, const Tensor& rows, const Tensor& slots) const override {
    const Tensor updates = mx::reshape(rows, {slots.shape(0), 1, 1, slab.shape(2), slab.shape(3)}, device_);
    return mx::scatter(slab, {slots}, updates, std::vector<int>{1}, device_);
  }

  Tensor Attend(const Tensor& queries, const Tensor& k_slab, const Tensor& v_slab, const RowPlan& plan,
                float scale) const override {
    const int heads = queries.shape(1), head_dim = queries.shape(3);
    const Tensor all = mx::reshape(queries, {1, plan.rows, heads, head_dim}, device_);
    std::vector<Tensor> outputs;
    for (const SequenceSpan& span : plan.sequences) {
      const int first = span.first_row, end = first + span.rows;
      const Tensor rows =
          span.rows == plan.rows ? all : mx::slice(all, {0, first, 0, 0}, {1, end, heads, head_dim}, device_);
      // "causal" counts from the end: the last row sees the whole context.
      const Tensor attended = mx::fast::scaled_dot_product_attention(
          SwapAxes(rows), Context(k_slab, span, plan), Context(v_slab, span, plan), scale,
          span.rows > 1 ? "causal" : "", std::nullopt, std::nullopt, false, device_);
      outputs.push_back(mx::reshape(SwapAxes(attended), {span.rows, heads * head_dim}, device_));
    }
    return outputs.size() == 1 ? outputs.front() : mx::concatenate(std::move(outputs), 0, device_);
  }

  Tensor GatedSilu(const Tensor& gate, const Tensor& up) const override {
    return mx::multiply(mx::multiply(gate, mx::sigmoid(gate, device_), device_), up, device_);
  }

  Tensor Add(const Tensor& a, const Tensor& b) const override { return mx::add(a, b, device_); }

  Tensor SplitHeads(const Tensor& x, int heads, int head_dim) const override {
    return mx::reshape(x, {x.shape(0), heads, 1, head_dim}, device_);
  }

  Tensor SelectHeads(const Tensor& x, int first, int end) const override {
    return mx::slice(x, {0, first, 0, 0}, {x.shape(0), end, 1, x.shape(3)}, device_);
  }

  Tensor JoinHeads(const Tensor& a, const Tensor& b) const override { return mx::concatenate({a, b}, 1, device_); }

  Tensor SelectRows(const Tensor& x, const std::vector<int>& rows) const override {
    return int(rows.size()) == x.shape(0) ? x : mx::take(x, MakeInts(rows), 0, device_);
  }

  Tensor ArgMax(const Tensor& x) const override { return mx::argmax(x, -1, false, device_); }

  Tensor ToHostFloats(const Tensor& x) const override {
    return mx::contiguous(mx::astype(x, mx::float32, device_), false, device_);
  }

 private:
  Tensor ApplyMatrix(const Matrix& m, const Tensor& x) const {
    Tensor y = m.quantization ? mx::quantized_matmul(x, m.weight, *m.scales, *m.zeros, true, m.quantization->group_size,
                                                     m.quantization->bits, "affine", device_)
                              : mx::matmul(x, mx::transpose(m.weight, device_), device_);
    return m.bias ? mx::add(y, *m.bias, device_) : y;
  }

  Tensor SwapAxes(const Tensor& x) const { return mx::transpose(x, {0, 2, 1, 3}, device_); }

  /** K or V of one sequence, [1, kvHeads, context, headDim]: a view of one run of blocks, else the blocks gathered. */
  Tensor Context(const Tensor& slab, const SequenceSpan& span, const RowPlan& plan) const {
    const int kv_heads = slab.shape(2), head_dim = slab.shape(3), tokens = span.context_tokens;
    if (!span.blocks) {
      const int first = span.first_slot;
      return SwapAxes(mx::slice(slab, {0, first, 0, 0}, {1, first + tokens, kv_heads, head_dim}, device_));
    }
    const Tensor blocks =
        mx::reshape(slab, {slab.shape(1) / plan.block_tokens, plan.block_tokens, kv_heads, head_dim}, device_);
    const Tensor gathered =
        mx::reshape(mx::take(blocks, *span.blocks, 0, device_), {1, -1, kv_heads, head_dim}, device_);
    return SwapAxes(mx::slice(gathered, {0, 0, 0, 0}, {1, tokens, kv_heads, head_dim}, device_));
  }

  mx::Device device_;
};

}  // namespace

std::unique_ptr<Ops> MakeMlxOps(mx::Device device) { return std::make_unique<MlxOps>(device); }

Tensor MakeInts(const std::vector<int>& values) {
  return Tensor(values.begin(), mx::Shape{int(values.size())}, mx::int32);
}

}  // namespace resident
