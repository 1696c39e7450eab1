// What a step is said to need, against what the back ends allocate.
#include "core/step_memory.h"

#include <mlx/memory.h>

#include <future>

#include "check.h"
#include "kernels/transformer.h"
#include "loaded_model.h"

using namespace resident;

namespace {

const mx::Device kCpu(mx::Device::cpu);
constexpr uint64_t kMegabyte = 1'000'000;
#if defined(__APPLE__)
constexpr uint64_t kRounding = 2 * kMegabyte;  // Metal's allocator, which serves the CPU too, rounds to pages of 16 KB
#else
constexpr uint64_t kRounding = 0;
#endif

ModelConfig Config(const std::string& sizes) {
  return ParseModelConfig(R"({"rms_norm_eps":1e-5,"num_hidden_layers":32,"max_position_embeddings":131072,)" + sizes +
                          "}");
}

/** 32 heads of 128, as many models of 7 to 8 billion weights have them. */
ModelConfig EightBillion() {
  return Config(R"("model_type":"llama","hidden_size":4096,"intermediate_size":14336,"num_attention_heads":32,)"
                R"("num_key_value_heads":8,"head_dim":128,"vocab_size":128256)");
}

StepShape Half(std::vector<SequenceShape> sequences) {
  const uint64_t wanted = sequences.size();
  return {std::move(sequences), wanted, DataType::kF16, DataType::kF16};
}

/** `count` sequences of `rows` rows at the end of `context` tokens, in blocks that follow each other or do not. */
struct Case {
  int count, rows, context;
  bool one_run;
};

struct Batch {
  explicit Batch(const Case& sizes) : tokens(size_t(sizes.rows), 3) {
    const int blocks = (sizes.context + 7) / 8;
    for (int s = 0; s < sizes.count; ++s) {
      for (int b = 0; b < blocks; ++b) tables.emplace_back(s * blocks + (sizes.one_run ? b : blocks - 1 - b));
    }
    for (int s = 0; s < sizes.count; ++s) {
      const std::span<const int32_t> table(tables.data() + s * blocks, size_t(blocks));
      rows.push_back({tokens, sizes.context - sizes.rows, {table}, SequenceRows::Wanted::kLogits});
      shape.sequences.push_back({uint64_t(sizes.rows), uint64_t(sizes.context), sizes.one_run});
    }
    shape.wanted_rows = uint64_t(sizes.count);
  }
  std::vector<int32_t> tokens, tables;
  std::vector<SequenceRows> rows;
  StepShape shape;
};

constexpr Case kCases[] = {{1, 128, 2048, true}, {1, 128, 2048, false}, {8, 32, 512, true},
                           {8, 1, 1024, true},   {8, 1, 1024, false},   {1, 1, 4096, true}};

/** A tiny model with room for the cases. */
TinyModel LongModel(const std::string& family, const std::string& more) {
  TinyModel tiny(family, more);
  const std::string from = R"("max_position_embeddings":256)";
  tiny.config_text.replace(tiny.config_text.find(from), from.size(), R"("max_position_embeddings":4096)");
  return tiny;
}

void CheckStockOps(DataType kv_dtype, const std::string& family = "llama", const std::string& more = "") {
  const std::unique_ptr<Ops> ops = MakeMlxOps(kCpu);
  LoadedModel model(*ops, kv_dtype, 1024, LongModel(family, more));
  for (const Case& sizes : kCases) {
    Batch batch(sizes);
    batch.shape.kv_dtype = kv_dtype;
    mx::clear_cache();
    const size_t before = mx::get_active_memory();
    mx::reset_peak_memory();
    RunStep(*model.decoder, *ops, *model.pool, batch.rows);
    const uint64_t taken = mx::get_peak_memory() - before, said = ops->StepBytes(model.tiny.config, batch.shape);
    CHECK(taken <= said + kRounding);
    CHECK(said <= 3 * taken);
  }
}

}  // namespace

TEST("attention is fused on a GPU where MLX has a kernel for the head's size and the number of rows") {
  for (const int dim : {64, 96, 128}) {
    for (const uint64_t rows : {1, 8, 9, 512}) CHECK(FusesAttention(true, dim, 32, 8, rows));
    for (const uint64_t rows : {1, 512}) CHECK(!FusesAttention(false, dim, 32, 8, rows));
  }
  CHECK(FusesAttention(true, 80, 32, 32, 9) && !FusesAttention(true, 80, 32, 32, 8));
  CHECK(FusesAttention(true, 256, 8, 4, 8) && !FusesAttention(true, 256, 8, 4, 9));
  CHECK(!FusesAttention(true, 48, 8, 8, 1) && !FusesAttention(true, 48, 8, 8, 100));
  CHECK(FusesAttention(true, 128, 28, 4, 4) && !FusesAttention(true, 128, 28, 4, 5));  // 7 rows for each K
}

TEST("a long context costs scores and repeated K and V only where there are any") {
  const ModelConfig config = EightBillion();
  const StepShape chunk = Half({{512, 100'000}}), row = Half({{1, 16'000}});
  CHECK(StockStepBytes(config, true, chunk) < 3000 * kMegabyte);
  CHECK(StockStepBytes(config, true, row) < 16 * kMegabyte);
  CHECK(KernelStepBytes(config, 16, chunk) < 400 * kMegabyte);
  CHECK(KernelStepBytes(config, 16, row) < 16 * kMegabyte);
  // Twice the context is none of the GPU's business, and only states of splits for the kernels.
  CHECK_EQUAL(StockStepBytes(config, true, Half({{512, 200'000}})), StockStepBytes(config, true, chunk));
  // On a CPU stock operations do make all of it.
  CHECK(StockStepBytes(config, false, chunk) > uint64_t(512) * 100'000 * 32 * 2);
  // Half the rows, half the memory: what an engine does that is refused.
  CHECK(2 * StockStepBytes(config, true, Half({{256, 100'000}})) <=
        StockStepBytes(config, true, chunk) + 4 * kMegabyte);
  // Scattered blocks are gathered, fused or not.
  const uint64_t context_bytes = uint64_t(2) * 16'000 * 8 * 128 * 2;
  CHECK(StockStepBytes(config, true, Half({{1, 16'000, false}})) > StockStepBytes(config, true, row) + context_bytes);
  // K and V of another type cost a GPU the conversion of the rows, and a CPU that of the context.
  StepShape full = row;
  full.kv_dtype = DataType::kF32;
  CHECK(StockStepBytes(config, true, full) > StockStepBytes(config, true, row));
  CHECK(StockStepBytes(config, true, full) < StockStepBytes(config, true, row) + 4 * kMegabyte);
  CHECK(StockStepBytes(config, false, full) >= StockStepBytes(config, false, row) + context_bytes);
}

TEST("where a GPU has no kernel the scores of a chunk are counted, within the window of layers that have one") {
  const ModelConfig gemma =
      Config(R"("model_type":"gemma3_text","hidden_size":2560,"intermediate_size":10240,"num_attention_heads":8,)"
             R"("num_key_value_heads":4,"head_dim":256,"vocab_size":262144,"sliding_window":1024)");
  const uint64_t full_scores = uint64_t(256) * 32'000 * 8 * 2;
  const uint64_t chunk = StockStepBytes(gemma, true, Half({{256, 32'000}}));
  CHECK(chunk > 5 * full_scores);  // every sixth of 32 layers sees all tokens
  CHECK(chunk < 20 * full_scores);
  CHECK(StockStepBytes(gemma, true, Half({{1, 32'000}})) < 30 * kMegabyte);
}

TEST("stock operations on a CPU allocate no more than is said, and at least a third of it") {
  for (const DataType type : {DataType::kF32, DataType::kF16, DataType::kQ8}) {
    // MLX's streams end with their thread.
    std::async(std::launch::async, [&] { CheckStockOps(type); }).get();
  }
}

TEST("heads that are cut and put together again are counted on a GPU too") {
  const ModelConfig plain = EightBillion();
  ModelConfig joint = plain, partial = plain;
  joint.joint_query_key_norm = true;
  partial.rope.rotated_part = 0.75;
  const StepShape step = Half({{1000, 1000}});
  for (const ModelConfig& config : {joint, partial}) {
    CHECK(StockStepBytes(config, true, step) >= StockStepBytes(plain, true, step) + uint64_t(1000) * 40 * 128 * 2);
  }
}

TEST("stock operations of every kind of family allocate no more than is said, and at least a third of it") {
  const std::pair<const char*, const char*> families[] = {
      {"gemma3_text", ""},
      {"granite",
       R"(,"embedding_multiplier":3,"attention_multiplier":0.2,"residual_multiplier":0.4,"logits_scaling":1.5)"},
      {"ministral3", R"(,"rope_parameters":{"type":"yarn","factor":4,"original_max_position_embeddings":6,)"
                     R"("llama_4_scaling_beta":0.3})"},
      {"olmo2", ""},
      {"phi3", R"(,"partial_rotary_factor":0.75,"original_max_position_embeddings":64,"rope_scaling":)"
               R"({"type":"longrope","long_factor":[1.5,2,4]})"},
      {"qwen3", ""}};
  for (const auto& [family, more] : families) {
    std::async(std::launch::async, [&] { CheckStockOps(DataType::kF32, family, more); }).get();
  }
}

TEST("the kernels' scratch memory is within what is said") {
  using namespace kernels;
  constexpr int kHidden = 64, kInner = 208, kHeads = 4, kKvHeads = 2, kDim = 32, kBlockTokens = 8;
  ModelConfig config = TinyModel().config;
  config.hidden_size = kHidden, config.intermediate_size = kInner, config.vocab_size = 50;
  config.num_heads = kHeads, config.num_kv_heads = kKvHeads, config.head_dim = kDim;
  // Quantised, so that factors become integers; all weights are alike.
  const std::vector<uint32_t> words(size_t(kInner) * kInner);
  const std::vector<float> scales(size_t(kInner) * kInner, 0.01f), ones(kHidden, 1.f);
  const auto matrix = [&](int outputs, int inputs) {
    Matrices matrices;
    matrices.emplace_back(SourceMatrix{.outputs = outputs,
                                       .inputs = inputs,
                                       .coding = Coding::kAffine,
                                       .bits = 4,
                                       .group_size = 32,
                                       .weights = words.data(),
                                       .scales = scales.data(),
                                       .zeros = scales.data()});
    return matrices;
  };
  const Matrices query_key = matrix((kHeads + kKvHeads) * kDim, kHidden), value = matrix(kKvHeads * kDim, kHidden);
  const Matrices output = matrix(kHidden, kHeads * kDim), gate = matrix(kInner / 32 * 32, kHidden);
  const Matrices down = matrix(kHidden, kInner / 32 * 32);
  const NormWeight norm(ones);
  // The last ones share all of their blocks.
  for (const auto& [rows, context, threads, sequences] :
       {std::array{1, 8000, 3, 1}, std::array{3, 8000, 8, 1}, std::array{300, 300, 2, 1}, std::array{1, 8000, 1, 5}}) {
    Rotary rotary(RopeTable{}, kDim);
    const AttentionWeights attention{&norm,   &norm,  &query_key, &value, &output, nullptr, nullptr,
                                     &rotary, kHeads, kKvHeads,   kDim,   0,       1e-5f,   1};
    const FeedForwardWeights feed_forward{&norm, &norm, &gate, &gate, &down, Activation::kSilu, 1e-5f};
    Transformer transformer(FastestLevel(), threads);
    const int blocks = (context + kBlockTokens - 1) / kBlockTokens;
    std::vector<int32_t> table(static_cast<size_t>(blocks));
    Rows step;
    step.block_tokens = kBlockTokens;
    for (int b = 0; b < blocks; ++b) table[size_t(b)] = b;
    StepShape shape;
    for (int s = 0; s < sequences; ++s) {
      step.sequences.push_back({step.count(), rows, context - rows, table.data()});
      shape.sequences.push_back({uint64_t(rows), uint64_t(context)});
      for (int position = context - rows; position < context; ++position) {
        step.positions.push_back(position);
        step.slots.push_back({position / kBlockTokens, position % kBlockTokens});
      }
    }
    const int all_rows = step.count();
    std::vector<float> k(size_t(blocks) * kBlockTokens * kKvHeads * kDim + 16), v(k),
        x(size_t(all_rows) * kHidden, 0.5f);
    transformer.Attend(attention, step, {k.data(), v.data(), FloatType::kF32}, x.data(), x.data());
    transformer.FeedForward(feed_forward, all_rows, x.data(), x.data());
    const uint64_t said = KernelStepBytes(config, threads, shape);
    CHECK(transformer.scratch_bytes() <= said);
    CHECK(said <= 6 * transformer.scratch_bytes() + kMegabyte);
  }
}
