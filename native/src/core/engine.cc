#include "core/engine.h"

#include <mlx/memory.h>
#include <mlx/stream.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "core/digest_memory.h"
#include "core/error.h"
#include "core/memory.h"
#include "core/precision.h"
#include "core/promises.h"
#include "kernels/window.h"

namespace resident {
namespace {

constexpr uint64_t kSmallStepBytes = uint64_t(64) << 20;

/** The largest step that a checked batch may come to: with its longest contexts, and all guesses and forced tokens. */
StepShape LargestStep(const StepBatch& batch, const PoolShape& pool, int most_draft) {
  StepShape shape;
  const int32_t* table = batch.tables.data();
  size_t length = 0;
  for (size_t i = 0; i < batch.sequences(); ++i) {
    const bool wanted = batch.want_token[i] != 0;
    const bool guesses = wanted && !batch.sampling[i].lookup_ids.empty();
    const int sampled = guesses ? std::min(batch.steps, 1 + most_draft) : int(wanted);
    const int forced = wanted && batch.sampling[i].grammar ? std::min(batch.steps - 1, kMostForced) : 0;
    const int start = batch.starts[i], context = start + batch.token_counts[i] + (wanted ? batch.steps - 1 : 0);
    bool one_run = true;
    for (const BlockGroup& group : pool.groups()) {
      const std::span<const int32_t> blocks(table, size_t(batch.table_lengths[length++]));
      const int first = kernels::FirstKey(start, group.window) / pool.block_tokens();
      const int end = (context + pool.block_tokens() - 1) / pool.block_tokens();
      one_run = one_run && IsOneRun(blocks.first(size_t(end)), size_t(first));
      table += blocks.size();
    }
    shape.sequences.push_back(
        {uint64_t(std::max(batch.token_counts[i] + forced, sampled)), uint64_t(context), one_run});
    shape.wanted_rows += uint64_t(sampled);
  }
  return shape;
}

int64_t NowNs() {
  const auto since_1970 = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_1970).count();
}

/** Of what was freed: MLX's part of it, and the C library's. */
void ReturnMemory() {
  mx::clear_cache();
  ReturnFreedMemory();
}

/** What is too large for the memory says so, whatever other limit it breaks. */
void CheckPoolSize(int64_t blocks, int64_t block_tokens, int64_t kv_heads, int64_t head_elements, uint64_t token_bytes,
                   const mx::Device& device) {
  const double bytes = double(blocks) * double(block_tokens) * double(token_bytes);
  if (blocks > 0 && block_tokens > 0 && bytes < double(std::numeric_limits<int64_t>::max())) {
    RequireMemory(uint64_t(bytes), "a pool of " + std::to_string(blocks) + " blocks", WorkingSetOf(device));
  }
  // Within a slab, MLX's kernels count elements in 32 bits.
  const int64_t most_slots = std::numeric_limits<int32_t>::max() / (kv_heads * head_elements);
  if (blocks < 1 || block_tokens < 1 || block_tokens > most_slots || blocks > most_slots / block_tokens) {
    RefuseRequest(
        "a pool needs 1 or more blocks of 1 or more tokens, and at most " + std::to_string(most_slots) +
            " tokens in all",
        {{"blocks", double(blocks)}, {"blockTokens", double(block_tokens)}, {"maxTokens", double(most_slots)}});
  }
}

}  // namespace

struct Engine::Model {
  Model(Handle h, mx::Device d, std::unique_ptr<Ops> o)
      : handle(h), device(d), ops(std::move(o)), wired(WiredLimitOf(d)) {}

  Handle handle;
  mx::Device device;
  std::unique_ptr<Ops> ops;
  ModelInfo info{};
  DataType activations = DataType::kF32;
  std::unique_ptr<Decoder> decoder;
  Handle pool_handle = 0;
  std::unique_ptr<KvPool> pool;
  std::vector<int32_t> last_sampled;  // by place in the batch of the last run
  int most_draft = 0;
  DraftGate draft_gate;
  WiredMemory wired;
  std::unique_ptr<kernels::ThreadPool> sampling_threads;  // null where the back end has some

  kernels::ThreadPool& threads() { return sampling_threads ? *sampling_threads : *ops->threads(); }
};

/** Model and pool stay wired as long as it lives, and for a while after it. */
class Engine::WiredRun {
 public:
  explicit WiredRun(Model& model) : wired_(model.wired) {
    const std::optional<WorkingSet> working_set = WorkingSetOf(model.device);
    const uint64_t recommended = working_set ? working_set->recommended_bytes : 0;
    wired_.BeginRun(WiredLimit(model.info.weight_bytes, model.pool->shape().bytes(), recommended));
  }
  ~WiredRun() { wired_.EndRun(std::chrono::steady_clock::now()); }
  WiredRun(const WiredRun&) = delete;
  WiredRun& operator=(const WiredRun&) = delete;

 private:
  WiredMemory& wired_;
};

Engine::Engine() { PrepareMlx(); }

Engine::~Engine() {
  model_.reset();
  bare_pools_.clear();
  mx::clear_streams();  // they belong to this thread
}

Handle Engine::LoadModel(const std::string& directory, const LoadOptions& options, const LoadHooks& hooks) {
  if (model_) RefuseRequest("a model is loaded already");
  const mx::Device device = ChooseDevice(options.device);
  if (!options.home.empty()) PromiseLedger::OfProcess().ShareIn(options.home + "/promises");
  if (options.kv_dtype) RequireKvType(*options.kv_dtype, device == mx::Device::gpu);
  const int64_t read_from_ns = NowNs();
  const Checkpoint checkpoint(directory);
  auto model = std::make_unique<Model>(next_handle_++, device, ChooseOps(device, options.threads));
  mx::set_cache_limit(model->ops->kept_array_bytes());
  WeightLoader loader(checkpoint, device, *model->ops);
  const ModelConfig& config = checkpoint.config();
  const DataType type = loader.activation_type();
  model->activations = type;
  if (model->ops->threads() == nullptr) {
    model->sampling_threads = std::make_unique<kernels::ThreadPool>(ChooseThreads(options.threads));
  }
  model->most_draft = MostDraft(device == mx::Device::gpu, config.num_heads, config.num_kv_heads, kLongestDraft);
  const DataType kv_dtype = options.kv_dtype.value_or(model->ops->usual_kv_dtype(type));
  model->info = {.config = config,
                 .weight_bytes = loader.loaded_bytes(),
                 .kv_dtype = kv_dtype,
                 .weights_id = "",
                 .architecture_id = config.ArchitectureId(type),
                 .kv_layout_id = std::string(model->ops->layout_id(kv_dtype)),
                 .numerics_id = model->ops->numerics_id(),
                 .is_gpu = device == mx::Device::gpu,
                 .back_end = model->ops->back_end(),
                 .step_weight_bytes = 0};
  for (const int window : config.windows) {
    model->info.window_tokens = std::max(model->info.window_tokens, window);
    model->info.window_layers += window > 0;
  }
  model->info.window_bytes_per_token =
      config.KvBytesPerToken(model->info.kv_dtype) / uint64_t(config.num_layers) * uint64_t(model->info.window_layers);
  model->decoder = std::make_unique<Decoder>(config, *model->ops, loader.Load(hooks));
  model->info.weights_id = loader.digest().Id();
  if (!options.home.empty()) RememberDigests(options.home, loader.digest().files(), read_from_ns);
  model->info.step_weight_bytes = model->decoder->step_weight_bytes();
  model_ = std::move(model);
  return model_->handle;
}

const ModelInfo& Engine::Info(Handle model) const { return RequireModel(model).info; }

void Engine::UnloadModel(Handle model) {
  if (!model_ || model_->handle != model) return;
  model_.reset();
  ReturnMemory();
}

Handle Engine::CreatePool(Handle handle, int64_t blocks, int64_t block_tokens, int64_t window_blocks) {
  Model& model = RequireModel(handle);
  if (model.pool) RefuseRequest("the model has a pool already");
  const ModelConfig& config = model.info.config;
  BlockGroup all, windowed;
  windowed.window = model.info.window_tokens;
  const bool apart = window_blocks != 0 && model.info.window_layers > 0;
  for (int layer = 0; layer < config.num_layers; ++layer) {
    const bool has_window = apart && config.windows[size_t(layer)] > 0;
    (has_window ? windowed : all).layers.push_back(layer);
  }
  const auto complete = [&](BlockGroup& group, int64_t count) {
    const uint64_t layer_bytes = config.KvBytesPerToken(model.info.kv_dtype) / uint64_t(config.num_layers);
    CheckPoolSize(count, block_tokens, config.num_kv_heads, HeadElements(model.info.kv_dtype, config.head_dim),
                  layer_bytes * group.layers.size(), model.device);
    group.geometry = {.blocks = int(count),
                      .block_tokens = int(block_tokens),
                      .num_layers = int(group.layers.size()),
                      .kv_heads = config.num_kv_heads,
                      .head_dim = config.head_dim,
                      .dtype = model.info.kv_dtype};
  };
  complete(all, blocks);
  std::vector<BlockGroup> groups{all};
  if (apart) {
    complete(windowed, window_blocks);
    groups.push_back(windowed);
  }
  model.pool = std::make_unique<KvPool>(PoolShape(std::move(groups)), *model.ops, model.device);
  model.last_sampled.clear();
  return model.pool_handle = next_handle_++;
}

Handle Engine::CreateBarePool(const PoolGeometry& geometry) {
  // Wider than any model, and small enough for the sizes below to be computed.
  constexpr int kMost = 4096;
  for (const int size : {geometry.num_layers, geometry.kv_heads, geometry.head_dim}) {
    if (size < 1 || size > kMost) {
      RefuseRequest("layers, heads and their size must be from 1 to " + std::to_string(kMost),
                    {{"size", double(size)}});
    }
  }
  const mx::Device device = ChooseDevice(DeviceChoice::kDefault);
  CheckPoolSize(geometry.blocks, geometry.block_tokens, geometry.kv_heads, geometry.head_elements(),
                geometry.BlockBytes(1), device);
  const Handle handle = next_handle_++;
  bare_pools_[handle] =
      std::make_unique<KvPool>(PoolShape(geometry), *MakeMlxOps(device), device, KvPool::Use::kBytesOnly);
  return handle;
}

const PoolShape& Engine::Shape(Handle pool) const { return RequireBlocks(pool).shape(); }

std::shared_ptr<SlabAccess> Engine::Access(Handle pool) const { return RequireBlocks(pool).access(); }

void Engine::DropPool(Handle pool) {
  if (bare_pools_.erase(pool) > 0) return ReturnMemory();
  if (!model_ || !model_->pool || model_->pool_handle != pool) return;
  model_->wired.Lift();
  model_->pool.reset();
  ReturnMemory();
}

Contents Engine::ContentsOf(Handle pool) const {
  if (model_ && model_->pool && model_->pool_handle == pool) return model_->pool->contents();
  return Contents::kIntact;  // bare pools are never stepped
}

RunStats Engine::Run(Handle pool, const StepBatch& batch, const RunHooks& hooks) {
  Model& model = RequirePool(pool);
  model.pool->RequireIntact();
  CheckBatch(batch, LimitsOf(model), model.last_sampled);
  RequireStepMemory(model, batch);
  const WiredRun run(model);
  const auto step = [&](std::span<const SequenceRows> rows) {
    return RunStep(*model.decoder, *model.ops, *model.pool, rows);
  };
  return BatchRun(batch, model.info.config.vocab_size, model.last_sampled, model.most_draft, model.draft_gate,
                  model.threads())
      .Run(step, hooks);
}

std::vector<float> Engine::Logits(Handle pool, const std::vector<int32_t>& tokens, int start,
                                  const std::vector<int32_t>& tables, std::vector<int32_t> lengths) {
  Model& model = RequirePool(pool);
  if (lengths.empty()) lengths = {int32_t(tables.size())};
  StepBatch batch;
  batch.tokens = tokens;
  batch.token_counts = {int32_t(tokens.size())};
  batch.starts = {start};
  batch.tables = tables;
  batch.table_lengths = std::move(lengths);
  batch.want_token = {1};
  batch.sampling.resize(1);
  CheckBatch(batch, LimitsOf(model), {});
  RequireStepMemory(model, batch);
  const WiredRun run(model);
  SequenceRows rows[] = {{batch.tokens, start, {}, SequenceRows::Wanted::kLogits}};
  const int32_t* table = batch.tables.data();
  for (const int32_t length : batch.table_lengths) {
    rows[0].tables.emplace_back(table, size_t(length));
    table += length;
  }
  const Tensor logits = RunStep(*model.decoder, *model.ops, *model.pool, rows).logits.value();
  return {logits.data<float>(), logits.data<float>() + logits.size()};
}

std::optional<WiredMemory::Time> Engine::rests_at() const { return model_ ? model_->wired.lift_at() : std::nullopt; }

void Engine::Rest(WiredMemory::Time now) {
  if (model_) model_->wired.LiftWhenIdle(now);
}

void Engine::CopyBlock(Handle pool, int64_t from, int64_t to, int64_t tokens) {
  KvPool& kv = RequireBlocks(pool);
  kv.RequireIntact();
  if (&kv.shape().Check(from, tokens) != &kv.shape().Check(to, tokens))
    RefuseRequest("a copy would leave its layers' blocks");
  if (from != to) kv.CopyBlock(int(from), int(to), int(tokens));
}

std::vector<std::byte> Engine::CopyBlockOut(Handle pool, int64_t block, int64_t tokens) const {
  const KvPool& kv = RequireBlocks(pool);
  kv.RequireIntact();
  std::vector<std::byte> data(kv.shape().Check(block, tokens).geometry.BlockBytes(int(tokens)));
  kv.CopyOut(int(block), int(tokens), data);
  return data;
}

void Engine::CopyBlockIn(Handle pool, int64_t block, int64_t tokens, std::span<const std::byte> data) {
  KvPool& kv = RequireBlocks(pool);
  kv.RequireIntact();
  kv.shape().Check(block, tokens);
  kv.CopyIn(int(block), int(tokens), data);
}

Engine::Model& Engine::RequireModel(Handle handle) const {
  if (!model_ || model_->handle != handle) RefuseRequest("the model was disposed");
  return *model_;
}

Engine::Model& Engine::RequirePool(Handle handle) const {
  if (bare_pools_.contains(handle)) RefuseRequest("this pool has no model");
  if (!model_ || !model_->pool || model_->pool_handle != handle) RefuseRequest("the pool was disposed");
  return *model_;
}

KvPool& Engine::RequireBlocks(Handle handle) const {
  const auto bare = bare_pools_.find(handle);
  return bare == bare_pools_.end() ? *RequirePool(handle).pool : *bare->second;
}

void Engine::RequireStepMemory(const Model& model, const StepBatch& batch) {
  StepShape shape = LargestStep(batch, model.pool->shape(), model.most_draft);
  shape.activations = model.activations;
  shape.kv_dtype = model.info.kv_dtype;
  const uint64_t bytes = model.ops->StepBytes(model.info.config, shape);
  if (bytes > kSmallStepBytes) RequireMemory(bytes, "this step", WorkingSetOf(model.device));
}

BatchLimits Engine::LimitsOf(const Model& model) {
  return {model.pool->shape(), model.info.config.vocab_size, model.info.config.max_context_tokens};
}

}  // namespace resident
