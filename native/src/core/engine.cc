#include "core/engine.h"

#include <mlx/memory.h>
#include <mlx/stream.h>

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "core/memory.h"

namespace resident {
namespace {

constexpr uint64_t kSmallStepBytes = uint64_t(64) << 20;

/** Asks for the memory of a large step's intermediate results; small ones are part of every process's slack. */
void RequireStepMemory(const Ops& ops, const ModelConfig& config, const StepBatch& batch) {
  uint64_t largest_scores = 0, context = 0;
  for (size_t i = 0; i < batch.sequences(); ++i) {
    const uint64_t rows = uint64_t(batch.token_counts[i]), tokens = uint64_t(batch.starts[i]) + rows;
    largest_scores = std::max(largest_scores, rows * tokens * uint64_t(config.num_heads));
    context = std::max(context, tokens);
  }
  const uint64_t bytes = ops.StepBytes(config, batch.tokens.size(), largest_scores, context) +
                         batch.sequences() * uint64_t(config.vocab_size) * sizeof(float);
  if (bytes > kSmallStepBytes) RequireMemory(bytes, "this step");
}

[[noreturn]] void Invalid(const std::string& what, std::vector<Fact> facts = {}) {
  throw Error(ErrorCode::kInvalidRequest, what, std::move(facts));
}

/** What is too large for the memory says so, whatever other limit it breaks. */
void CheckPoolSize(int64_t blocks, int64_t block_tokens, int64_t kv_heads, int64_t head_dim, uint64_t token_bytes) {
  const double bytes = double(blocks) * double(block_tokens) * double(token_bytes);
  if (blocks > 0 && block_tokens > 0 && bytes < double(std::numeric_limits<int64_t>::max())) {
    RequireMemory(uint64_t(bytes), "a pool of " + std::to_string(blocks) + " blocks");
  }
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
  Model(Handle h, mx::Device d, std::unique_ptr<Ops> o) : handle(h), device(d), ops(std::move(o)) {}

  Handle handle;
  mx::Device device;
  std::unique_ptr<Ops> ops;
  ModelInfo info{};
  std::unique_ptr<Decoder> decoder;
  Handle pool_handle = 0;
  std::unique_ptr<KvPool> pool;
  std::vector<int32_t> last_sampled;  // by place in the batch of the last run
};

Engine::Engine() { PrepareMlx(); }

Engine::~Engine() {
  model_.reset();
  bare_pools_.clear();
  mx::clear_streams();  // they belong to this thread
}

Handle Engine::LoadModel(const std::string& directory, const LoadOptions& options, const LoadHooks& hooks) {
  if (model_) Invalid("a model is loaded already");
  const mx::Device device = ChooseDevice(options.device);
  const Checkpoint checkpoint(directory);
  auto model = std::make_unique<Model>(next_handle_++, device, ChooseOps(device, options.threads));
  WeightLoader loader(checkpoint, device, *model->ops);
  const ModelConfig& config = checkpoint.config();
  const DataType type = loader.activation_type();
  model->info = {.config = config,
                 .weight_bytes = loader.loaded_bytes(),
                 .kv_dtype = options.kv_dtype.value_or(type),
                 .weights_id = checkpoint.ComputeId(),
                 .architecture_id = config.ArchitectureId(type),
                 .kv_layout_id = std::string(model->ops->layout_id()),
                 .numerics_id = model->ops->numerics_id(),
                 .is_gpu = device == mx::Device::gpu,
                 .back_end = model->ops->back_end(),
                 .step_weight_bytes = 0};
  model->decoder = std::make_unique<Decoder>(config, *model->ops, loader.Load(hooks));
  model->info.step_weight_bytes = model->decoder->step_weight_bytes();
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
  CheckPoolSize(blocks, block_tokens, config.num_kv_heads, config.head_dim,
                config.KvBytesPerToken(model.info.kv_dtype));
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
  CheckPoolSize(geometry.blocks, geometry.block_tokens, geometry.kv_heads, geometry.head_dim, geometry.BlockBytes(1));
  const mx::Device device = ChooseDevice(DeviceChoice::kDefault);
  const Handle handle = next_handle_++;
  bare_pools_[handle] = std::make_unique<KvPool>(geometry, *MakeMlxOps(device), device, KvPool::Use::kBytesOnly);
  return handle;
}

const PoolGeometry& Engine::Geometry(Handle pool) const { return RequireBlocks(pool).geometry(); }

std::shared_ptr<SlabAccess> Engine::Access(Handle pool) const { return RequireBlocks(pool).access(); }

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
  RequireStepMemory(*model.ops, model.info.config, batch);
  const auto step = [&](std::span<const SequenceRows> rows) {
    return RunStep(*model.decoder, *model.ops, *model.pool, rows);
  };
  return BatchRun(batch, model.info.config.vocab_size, model.last_sampled).Run(step, hooks);
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
  RequireStepMemory(*model.ops, model.info.config, batch);
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

}  // namespace resident
