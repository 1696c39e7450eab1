#include "core/engine.h"

#include <mlx/compile.h>
#include <mlx/memory.h>
#include <mlx/stream.h>
#include <mlx/version.h>

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "core/error.h"
#include "core/memory.h"

namespace resident {
namespace {

constexpr size_t kCpuCacheBytes = size_t(256)
                                  << 20;  // buffers that MLX keeps for reuse; its default on CPU is too small
constexpr uint64_t kSmallStepBytes = uint64_t(64) << 20;

#if defined(__aarch64__) || defined(_M_ARM64)
constexpr char kProcessor[] = "arm64";
#else
constexpr char kProcessor[] = "x64";
#endif

bool GpuAvailable() { return mx::is_available(mx::Device(mx::Device::gpu)); }

mx::Device ChooseDevice(DeviceChoice choice) {
  const char* variable = std::getenv("RESIDENT_DEVICE");
  const std::string wish = variable == nullptr ? "" : variable;
  if (choice == DeviceChoice::kDefault && wish == "cpu") choice = DeviceChoice::kCpu;
  if (choice == DeviceChoice::kDefault && wish == "gpu") choice = DeviceChoice::kGpu;
  if (choice == DeviceChoice::kDefault) choice = GpuAvailable() ? DeviceChoice::kGpu : DeviceChoice::kCpu;
  if (choice == DeviceChoice::kGpu && !GpuAvailable()) {
    throw Error(ErrorCode::kInvalidRequest, "this machine has no GPU that MLX can use");
  }
  return mx::Device(choice == DeviceChoice::kGpu ? mx::Device::gpu : mx::Device::cpu);
}

/** Asks for the memory of a large step's intermediate results; small ones are part of every process's slack. */
void RequireStepMemory(const ModelConfig& config, const StepBatch& batch) {
  uint64_t largest_scores = 0, context = 0;
  for (size_t i = 0; i < batch.sequences(); ++i) {
    const uint64_t rows = uint64_t(batch.token_counts[i]), tokens = uint64_t(batch.starts[i]) + rows;
    largest_scores = std::max(largest_scores, rows * tokens * uint64_t(config.num_heads));
    context = std::max(context, tokens);
  }
  const uint64_t widest = uint64_t(std::max(config.intermediate_size, config.hidden_size));
  const uint64_t floats = 2 * largest_scores +                                          // scores and their softmax
                          4 * context * uint64_t(config.num_heads * config.head_dim) +  // K and V, copied or repeated
                          4 * batch.tokens.size() * widest + batch.sequences() * uint64_t(config.vocab_size);
  if (floats * sizeof(float) > kSmallStepBytes) RequireMemory(floats * sizeof(float), "this step");
}

[[noreturn]] void Invalid(const std::string& what, std::vector<Fact> facts = {}) {
  throw Error(ErrorCode::kInvalidRequest, what, std::move(facts));
}

void CheckPoolSize(int64_t blocks, int64_t block_tokens, int64_t kv_heads, int64_t head_dim) {
  // Within a slab, MLX's kernels count elements in 32 bits.
  const int64_t most_slots = std::numeric_limits<int32_t>::max() / (kv_heads * head_dim);
  if (blocks < 1 || block_tokens < 1 || block_tokens > most_slots || blocks > most_slots / block_tokens) {
    Invalid("a pool needs 1 or more blocks of 1 or more tokens, and at most " + std::to_string(most_slots) +
                " tokens in all",
            {{"blocks", double(blocks)}, {"blockTokens", double(block_tokens)}, {"maxTokens", double(most_slots)}});
  }
}

}  // namespace

struct Engine::Model {
  Model(Handle h, mx::Device d) : handle(h), device(d), ops(MakeMlxOps(d)) {}

  Handle handle;
  mx::Device device;
  std::unique_ptr<Ops> ops;
  ModelInfo info{};
  std::unique_ptr<Decoder> decoder;
  Handle pool_handle = 0;
  std::unique_ptr<KvPool> pool;
  std::vector<int32_t> last_sampled;  // by place in the batch of the last run
};

/** One run: which sequences still take part, and what each of them feeds next. */
class Engine::RunState {
 public:
  RunState(Model& model, const StepBatch& batch) : model_(model), batch_(batch) {
    size_t row = 0, block = 0;
    for (size_t i = 0; i < batch.sequences(); ++i) {
      const std::span<const int32_t> tokens(batch.tokens.data() + row, size_t(batch.token_counts[i]));
      const std::span<const int32_t> table(batch.tables.data() + block, size_t(batch.table_lengths[i]));
      sequences_.push_back(
          {int(i), {tokens.begin(), tokens.end()}, batch.starts[i], table, batch.sampling[i].penalty_ids});
      if (tokens.front() == kLastSampled) sequences_.back().tokens.front() = model.last_sampled[i];
      row += tokens.size();
      block += table.size();
    }
    model.last_sampled.assign(batch.sequences(), kLastSampled);
  }

  bool Finished() const { return sequences_.empty(); }

  std::vector<SampledToken> Step(int step, RunStats& stats) {
    std::vector<SequenceRows> rows;
    for (const Sequence& sequence : sequences_) {
      rows.push_back({sequence.tokens, sequence.start, sequence.table, WantedOf(sequence)});
    }
    StepResult result = RunStep(*model_.decoder, *model_.ops, *model_.pool, rows);
    stats.build_ms += result.build_ms;
    stats.eval_ms += result.eval_ms;
    stats.moved_slabs += result.moved_slabs;
    stats.view_sequences += result.view_sequences;
    stats.gathered_sequences += result.gathered_sequences;
    return Advance(step, result);
  }

 private:
  struct Sequence {
    int index;
    std::vector<int32_t> tokens;  // of the coming step
    int start;
    std::span<const int32_t> table;
    std::vector<int32_t> penalty_ids;  // grows by what is sampled
  };

  SequenceRows::Wanted WantedOf(const Sequence& sequence) const {
    if (!batch_.want_token[size_t(sequence.index)]) return SequenceRows::Wanted::kNothing;
    return batch_.sampling[size_t(sequence.index)].IsPlainGreedy() ? SequenceRows::Wanted::kArgMax
                                                                   : SequenceRows::Wanted::kLogits;
  }

  std::vector<SampledToken> Advance(int step, StepResult& result) {
    const size_t vocab = size_t(model_.info.config.vocab_size);
    std::vector<SampledToken> sampled;
    std::vector<Sequence> remaining;
    size_t best = 0, logits = 0;
    for (Sequence& sequence : sequences_) {
      const SequenceRows::Wanted wanted = WantedOf(sequence);
      if (wanted == SequenceRows::Wanted::kNothing) continue;
      const SamplingParams& params = batch_.sampling[size_t(sequence.index)];
      const int position = sequence.start + int(sequence.tokens.size());
      Sample sample;
      if (wanted == SequenceRows::Wanted::kArgMax) {
        sample.id = result.best[best++];
      } else {
        sample = SampleToken(std::span(result.logits).subspan(vocab * logits++, vocab), params, sequence.penalty_ids,
                             position);
      }
      const int32_t id = sample.id;
      model_.last_sampled[size_t(sequence.index)] = id;
      sampled.push_back({sequence.index, step, std::move(sample)});
      if (params.IsStop(id)) continue;
      if (params.HasPenalties()) sequence.penalty_ids.push_back(id);
      sequence.start = position;
      sequence.tokens.assign(1, id);
      remaining.push_back(std::move(sequence));
    }
    sequences_ = std::move(remaining);
    return sampled;
  }

  Model& model_;
  const StepBatch& batch_;
  std::vector<Sequence> sequences_;
};

Engine::Engine() {
#if defined(__linux__)
  mx::disable_compile();  // it would start a C++ compiler and load code from a shared temporary folder
#endif
  if (!GpuAvailable()) mx::set_cache_limit(kCpuCacheBytes);
}

Engine::~Engine() {
  model_.reset();
  bare_pools_.clear();
  mx::clear_streams();  // they belong to this thread
}

DeviceReport Engine::Describe() {
  const mx::Device device = ChooseDevice(DeviceChoice::kDefault);
  const MemoryInfo memory = ReadMemoryInfo();
  DeviceReport report{.is_gpu = device == mx::Device::gpu,
                      .gpu_available = GpuAvailable(),
                      .name = "",
                      .physical_bytes = memory.physical_bytes,
                      .available_bytes = memory.available_bytes,
                      .mlx_active_bytes = mx::get_active_memory(),
                      .mlx_cache_bytes = mx::get_cache_memory()};
  const auto& facts = mx::device_info(device);
  for (const char* key : {"device_name", "architecture"}) {
    const auto found = facts.find(key);
    if (found == facts.end()) continue;
    if (const auto* text = std::get_if<std::string>(&found->second); text != nullptr && report.name.empty())
      report.name = *text;
  }
  if (report.name.empty()) report.name = report.is_gpu ? "GPU" : "CPU";
  return report;
}

Handle Engine::LoadModel(const std::string& directory, DeviceChoice choice, const LoadHooks& hooks) {
  if (model_) Invalid("a model is loaded already");
  const mx::Device device = ChooseDevice(choice);
  const bool is_gpu = device == mx::Device::gpu;
  const Checkpoint checkpoint(directory);
  WeightLoader loader(checkpoint, device);
  auto model = std::make_unique<Model>(next_handle_++, device);
  const ModelConfig& config = checkpoint.config();
  const DataType type = loader.activation_type();
  model->info = {
      .config = config,
      .weight_bytes = loader.loaded_bytes(),
      .kv_dtype = type,
      .weights_id = checkpoint.ComputeId(),
      .architecture_id = config.ArchitectureId(type),
      .kv_layout_id = std::string(model->ops->layout_id()),
      .numerics_id = std::string(model->ops->id()) + "/mlx-" + MlxVersion() + (is_gpu ? "/gpu-" : "/cpu-") + kProcessor,
      .is_gpu = is_gpu};
  model->decoder = std::make_unique<Decoder>(config, *model->ops, loader.Load(*model->ops, hooks));
  model_ = std::move(model);
  return model_->handle;
}

const ModelInfo& Engine::Info(Handle model) const { return RequireModel(model).info; }

void Engine::UnloadModel(Handle model) {
  if (!model_ || model_->handle != model) return;
  model_.reset();
  mx::clear_cache();
}

Handle Engine::CreatePool(Handle handle, int64_t blocks, int64_t block_tokens) {
  Model& model = RequireModel(handle);
  if (model.pool) Invalid("the model has a pool already");
  const ModelConfig& config = model.info.config;
  CheckPoolSize(blocks, block_tokens, config.num_kv_heads, config.head_dim);
  const PoolGeometry geometry{.blocks = int(blocks),
                              .block_tokens = int(block_tokens),
                              .num_layers = config.num_layers,
                              .kv_heads = config.num_kv_heads,
                              .head_dim = config.head_dim,
                              .dtype = model.info.kv_dtype};
  model.pool = std::make_unique<KvPool>(geometry, *model.ops, model.device);
  model.last_sampled.clear();
  return model.pool_handle = next_handle_++;
}

Handle Engine::CreateBarePool(const PoolGeometry& geometry) {
  // Wider than any model, and small enough for the sizes below to be computed.
  constexpr int kMost = 4096;
  for (const int size : {geometry.num_layers, geometry.kv_heads, geometry.head_dim}) {
    if (size < 1 || size > kMost) {
      Invalid("layers, heads and their size must be from 1 to " + std::to_string(kMost), {{"size", double(size)}});
    }
  }
  CheckPoolSize(geometry.blocks, geometry.block_tokens, geometry.kv_heads, geometry.head_dim);
  const mx::Device device = ChooseDevice(DeviceChoice::kDefault);
  const Handle handle = next_handle_++;
  bare_pools_[handle] = std::make_unique<KvPool>(geometry, *MakeMlxOps(device), device);
  return handle;
}

const PoolGeometry& Engine::Geometry(Handle pool) const { return RequireBlocks(pool).geometry(); }

void Engine::DropPool(Handle pool) {
  if (bare_pools_.erase(pool) > 0) return mx::clear_cache();
  if (!model_ || !model_->pool || model_->pool_handle != pool) return;
  model_->pool.reset();
  mx::clear_cache();
}

RunStats Engine::Run(Handle pool, const StepBatch& batch, const RunHooks& hooks) {
  Model& model = RequirePool(pool);
  model.pool->RequireIntact();
  CheckBatch(batch, LimitsOf(model), model.last_sampled);
  RequireStepMemory(model.info.config, batch);
  RunState run(model, batch);
  RunStats stats;
  for (int step = 0; step < batch.steps && !run.Finished(); ++step) {
    if (step > 0) hooks.between_steps();
    if (hooks.cancelled()) break;
    hooks.on_tokens(run.Step(step, stats));
  }
  return stats;
}

std::vector<float> Engine::Logits(Handle pool, const std::vector<int32_t>& tokens, int start,
                                  const std::vector<int32_t>& table) {
  Model& model = RequirePool(pool);
  StepBatch batch;
  batch.tokens = tokens;
  batch.token_counts = {int32_t(tokens.size())};
  batch.starts = {start};
  batch.tables = table;
  batch.table_lengths = {int32_t(table.size())};
  batch.want_token = {1};
  batch.sampling.resize(1);
  CheckBatch(batch, LimitsOf(model), {});
  RequireStepMemory(model.info.config, batch);
  const SequenceRows rows[] = {{batch.tokens, start, batch.tables, SequenceRows::Wanted::kLogits}};
  return RunStep(*model.decoder, *model.ops, *model.pool, rows).logits;
}

void Engine::CopyBlock(Handle pool, int64_t from, int64_t to, int64_t tokens) {
  KvPool& kv = RequireBlocks(pool);
  kv.RequireIntact();
  CheckBlock(kv.geometry(), from, tokens);
  CheckBlock(kv.geometry(), to, tokens);
  if (from != to) kv.CopyBlock(int(from), int(to), int(tokens));
}

std::vector<std::byte> Engine::CopyBlockOut(Handle pool, int64_t block, int64_t tokens) const {
  const KvPool& kv = RequireBlocks(pool);
  kv.RequireIntact();
  CheckBlock(kv.geometry(), block, tokens);
  std::vector<std::byte> data(kv.geometry().BlockBytes(int(tokens)));
  kv.CopyOut(int(block), int(tokens), data);
  return data;
}

void Engine::CopyBlockIn(Handle pool, int64_t block, int64_t tokens, std::span<const std::byte> data) {
  KvPool& kv = RequireBlocks(pool);
  kv.RequireIntact();
  CheckBlock(kv.geometry(), block, tokens);
  kv.CopyIn(int(block), int(tokens), data);
}

Engine::Model& Engine::RequireModel(Handle handle) const {
  if (!model_ || model_->handle != handle) Invalid("the model was disposed");
  return *model_;
}

Engine::Model& Engine::RequirePool(Handle handle) const {
  if (bare_pools_.contains(handle)) Invalid("this pool has no model");
  if (!model_ || !model_->pool || model_->pool_handle != handle) Invalid("the pool was disposed");
  return *model_;
}

KvPool& Engine::RequireBlocks(Handle handle) const {
  const auto bare = bare_pools_.find(handle);
  return bare == bare_pools_.end() ? *RequirePool(handle).pool : *bare->second;
}

BatchLimits Engine::LimitsOf(const Model& model) {
  return {model.pool->geometry(), model.info.config.vocab_size, model.info.config.max_context_tokens};
}

void CheckBlock(const PoolGeometry& geometry, int64_t block, int64_t tokens) {
  if (block < 0 || block >= geometry.blocks) {
    Invalid("block " + std::to_string(block) + " is outside the pool",
            {{"block", double(block)}, {"blocks", double(geometry.blocks)}});
  }
  if (tokens < 1 || tokens > geometry.block_tokens) {
    Invalid("a block cannot hold " + std::to_string(tokens) + " tokens",
            {{"tokens", double(tokens)}, {"blockTokens", double(geometry.block_tokens)}});
  }
}

std::string MlxVersion() { return mx::version(); }

}  // namespace resident
