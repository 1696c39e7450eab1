// A step that fails in its middle: what of the pool is left, and that the same step works afterwards.
#include "core/step.h"

#include <future>
#include <new>
#include <numeric>

#include "check.h"
#include "core/run.h"
#include "device.h"
#include "loaded_model.h"

using namespace resident;

namespace {

const mx::Device kCpu(mx::Device::cpu);

/** A back end that runs out of memory in the layer before which `layers_left` reaches 0, or behind its attention. */
class FailingOps final : public Ops {
 public:
  explicit FailingOps(const Ops& ops) : ops_(ops) {}

  enum class Where { kNowhere, kBeforeAttention, kAfterAttention, kBest };
  Where where = Where::kNowhere;
  int layers_left = 0;

  BackEnd back_end() const override { return ops_.back_end(); }
  kernels::ThreadPool* threads() const override { return ops_.threads(); }
  std::string numerics_id() const override { return ops_.numerics_id(); }
  DataType usual_kv_dtype(DataType type) const override { return ops_.usual_kv_dtype(type); }
  std::string_view layout_id(DataType type) const override { return ops_.layout_id(type); }
  SlabLayout LayoutOf(const PoolGeometry& geometry) const override { return ops_.LayoutOf(geometry); }
  bool takes_stored_types() const override { return ops_.takes_stored_types(); }
  bool writes_slabs_directly() const override { return ops_.writes_slabs_directly(); }
  uint64_t StepBytes(const ModelConfig& config, const StepShape& shape) const override {
    return ops_.StepBytes(config, shape);
  }
  uint64_t kept_array_bytes() const override { return ops_.kept_array_bytes(); }
  uint64_t PreparedBytes(const Quantization& format, uint64_t outputs, uint64_t inputs, DataType type) const override {
    return ops_.PreparedBytes(format, outputs, inputs, type);
  }
  std::unique_ptr<Linear> PrepareLinear(std::vector<Matrix> matrices) const override {
    return ops_.PrepareLinear(std::move(matrices));
  }
  std::unique_ptr<Norm> PrepareNorm(Tensor weight) const override { return ops_.PrepareNorm(std::move(weight)); }
  std::unique_ptr<Rope> PrepareRope(const RopeTable& table, int head_dim) const override {
    return ops_.PrepareRope(table, head_dim);
  }
  std::unique_ptr<StepRows> PrepareRows(const RowPlan& plan) const override { return ops_.PrepareRows(plan); }
  Tensor MakeSlab(const PoolGeometry& geometry) const override { return ops_.MakeSlab(geometry); }
  Tensor Embed(const Linear& table, float scale, const StepRows& rows) const override {
    layers_ = layers_left;
    return ops_.Embed(table, scale, rows);
  }
  Attended Attend(const AttentionLayer& layer, const StepRows& rows, Tensor x, const Tensor& k_slab,
                  const Tensor& v_slab) const override {
    const bool last = layers_-- == 0;
    if (last && where == Where::kBeforeAttention) throw std::bad_alloc();
    Attended attended = ops_.Attend(layer, rows, std::move(x), k_slab, v_slab);
    if (last && where == Where::kAfterAttention) throw std::bad_alloc();
    return attended;
  }
  Tensor FeedForward(const FeedForwardLayer& layer, Tensor x) const override {
    return ops_.FeedForward(layer, std::move(x));
  }
  Tensor SelectRows(const Tensor& x, const std::vector<int>& rows) const override { return ops_.SelectRows(x, rows); }
  Tensor Logits(const OutputLayer& layer, const Tensor& x) const override { return ops_.Logits(layer, x); }
  Tensor Best(const OutputLayer& layer, const Tensor& x) const override {
    if (where == Where::kBest) throw std::bad_alloc();
    return ops_.Best(layer, x);
  }

 private:
  const Ops& ops_;
  mutable int layers_ = 0;
};

struct Fixture {
  Fixture(std::unique_ptr<Ops> back_end, DataType kv_dtype, mx::Device device)
      : real(std::move(back_end)), ops(*real), model(*real, kv_dtype, 8, TinyModel(), device), pool(*model.pool) {}

  StepResult Step(const std::vector<int32_t>& tokens, int start, const std::vector<int32_t>& table) {
    const SequenceRows rows[] = {{tokens, start, {table}, SequenceRows::Wanted::kArgMax}};
    return RunStep(*model.decoder, ops, pool, rows);
  }

  std::vector<std::byte> Bytes(int block, int tokens) const {
    std::vector<std::byte> bytes(pool.shape().groups().front().geometry.BlockBytes(tokens));
    pool.CopyOut(block, tokens, bytes);
    return bytes;
  }

  std::unique_ptr<Ops> real;
  FailingOps ops;
  LoadedModel model;
  KvPool& pool;
};

/** Block 0 is full and shared, block 3 holds 5 tokens; a chunk of 6 fills it and begins block 6. */
void CheckMiddle(std::unique_ptr<Ops> ops, DataType kv_dtype, mx::Device device) {
  Fixture f(std::move(ops), kv_dtype, device);
  std::vector<int32_t> tokens(13), chunk(6);
  std::iota(tokens.begin(), tokens.end(), 2);
  std::iota(chunk.begin(), chunk.end(), 30);
  f.Step(tokens, 0, {0, 3});
  f.Step({7, 8, 9}, 0, {5});
  const std::vector<std::vector<std::byte>> before{f.Bytes(0, 8), f.Bytes(3, 5), f.Bytes(5, 3)};
  using Where = FailingOps::Where;
  for (const Where where : {Where::kBeforeAttention, Where::kAfterAttention, Where::kBest}) {
    for (f.ops.layers_left = 0; f.ops.layers_left < 3; ++f.ops.layers_left) {
      f.ops.where = where;
      bool failed = false;
      try {
        f.Step(chunk, 13, {0, 3, 6});
      } catch (const std::bad_alloc&) {
        failed = true;
      }
      CHECK(failed);
      CHECK(f.pool.contents() == Contents::kIntact);
      f.pool.RequireIntact();
      CHECK((before == std::vector<std::vector<std::byte>>{f.Bytes(0, 8), f.Bytes(3, 5), f.Bytes(5, 3)}));
    }
  }
  f.ops.where = Where::kNowhere;
  const StepResult result = f.Step(chunk, 13, {0, 3, 6});
  CHECK_EQUAL(result.moved_slabs, 0);
  // The same tokens in blocks that no failed step has seen.
  f.Step(tokens, 0, {1, 2});
  CHECK_EQUAL(f.Step(chunk, 13, {1, 2, 4}).best, result.best);
  CHECK(f.Bytes(3, 8) == f.Bytes(2, 8));
  CHECK(f.Bytes(6, 3) == f.Bytes(4, 3));
}

}  // namespace

TEST("a step that fails in its middle leaves every computed token as it was, and works when it is tried again") {
  for (const DataType type : {DataType::kF32, DataType::kF16, DataType::kQ8}) {
    // MLX's streams end with their thread.
    std::async(std::launch::async, [&] { CheckMiddle(MakeCpuOps(2), type, kCpu); }).get();
    std::async(std::launch::async, [&] { CheckMiddle(MakeMlxOps(TestDevice()), type, TestDevice()); }).get();
  }
}

TEST("a run whose first step fails still knows what was sampled before it") {
  StepBatch batch;
  batch.tokens = {kLastSampled};
  batch.token_counts = {1};
  batch.starts = {3};
  batch.tables = {0};
  batch.table_lengths = {1};
  batch.want_token = {1};
  batch.sampling.resize(1);
  std::vector<int32_t> last{7};
  DraftGate gate;
  kernels::ThreadPool threads(1);
  bool fails = true;
  const auto step = [&](std::span<const SequenceRows> rows) {
    CHECK_EQUAL(rows.front().tokens.front(), 7);
    if (fails) throw std::bad_alloc();
    StepResult result;
    result.best = {9};
    return result;
  };
  const RunHooks hooks{[](StepHarvest) {}, [] { return false; }, [] {}};
  bool failed = false;
  try {
    BatchRun(batch, 50, last, kLongestDraft, gate, threads).Run(step, hooks);
  } catch (const std::bad_alloc&) {
    failed = true;
  }
  CHECK(failed);
  CHECK_EQUAL(last, std::vector<int32_t>{7});
  fails = false;
  BatchRun(batch, 50, last, kLongestDraft, gate, threads).Run(step, hooks);
  CHECK_EQUAL(last, std::vector<int32_t>{9});
}
