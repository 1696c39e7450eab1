#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/batch.h"
#include "core/config.h"
#include "core/device.h"
#include "core/kv_pool.h"
#include "core/loader.h"
#include "core/run.h"
#include "core/wired_memory.h"

namespace resident {

/** `NativeModelInfo` of src/native/binding.ts. */
struct ModelInfo {
  ModelConfig config;
  uint64_t weight_bytes;
  DataType kv_dtype;
  std::string weights_id, architecture_id, kv_layout_id, numerics_id;
  bool is_gpu;
  BackEnd back_end;
  /** Of layers with a window: tokens, layers, bytes of K and V of one token over them; 0 where there are none. */
  int window_tokens = 0;
  int window_layers = 0;
  uint64_t window_bytes_per_token = 0;
  /** Of the weights that one decode step reads. */
  uint64_t step_weight_bytes;
};

struct LoadOptions {
  DeviceChoice device = DeviceChoice::kDefault;
  /** Of our own kernels, the caller included; 0: as many as there are physical cores. */
  int threads = 0;
  /** Of K and V in the pool; absent: what the back end usually takes. */
  std::optional<DataType> kv_dtype{};
  /** Folder that is shared with other processes (digest_memory.h, promises.h); empty: none. */
  std::string home{};
};

/** Names one loaded model or one pool; a stale one is answered with INVALID_REQUEST. */
using Handle = uint64_t;

/**
 * The model and the pool, and everything that is done with them. Lives on one thread: MLX's streams belong to the
 * thread that made them. Callers name model and pool by handles, so that nobody else ever holds them. All methods throw
 * Error.
 */
class Engine {
 public:
  Engine();
  ~Engine();

  Handle LoadModel(const std::string& directory, const LoadOptions& options, const LoadHooks& hooks);
  const ModelInfo& Info(Handle model) const;
  /** Frees the model and its pool. Idempotent. */
  void UnloadModel(Handle model);

  /**
   * With `window_blocks`, layers with a window have so many blocks of their own, and `blocks` are of the others;
   * without, or in a model without windows, one block is of all layers.
   */
  Handle CreatePool(Handle model, int64_t blocks, int64_t block_tokens, int64_t window_blocks = 0);
  /** A pool of any geometry with no model behind it: Run and Logits refuse it, all else works. */
  Handle CreateBarePool(const PoolGeometry& geometry);
  const PoolShape& Shape(Handle pool) const;
  /** The pool's memory for other threads; null where a step may move it. */
  std::shared_ptr<SlabAccess> Access(Handle pool) const;
  void DropPool(Handle pool);

  /** What a call on the pool that failed has left: intact too where there is no such pool. */
  Contents ContentsOf(Handle pool) const;

  RunStats Run(Handle pool, const StepBatch& batch, const RunHooks& hooks);
  /** f32 [vocabSize] after the last of `tokens`. `tables` and `lengths` as in a batch of one sequence. */
  std::vector<float> Logits(Handle pool, const std::vector<int32_t>& tokens, int start,
                            const std::vector<int32_t>& tables, std::vector<int32_t> lengths = {});

  /** When Rest is to be called unless a job comes before; nothing where there is nothing to let go. */
  std::optional<WiredMemory::Time> rests_at() const;
  /** Lets go what a GPU keeps wired for the next run. */
  void Rest(WiredMemory::Time now);

  void CopyBlock(Handle pool, int64_t from, int64_t to, int64_t tokens);
  std::vector<std::byte> CopyBlockOut(Handle pool, int64_t block, int64_t tokens) const;
  void CopyBlockIn(Handle pool, int64_t block, int64_t tokens, std::span<const std::byte> data);

 private:
  struct Model;
  class WiredRun;

  Model& RequireModel(Handle handle) const;
  /** The model whose pool it is. */
  Model& RequirePool(Handle handle) const;
  /** Any pool, a model's or a bare one. */
  KvPool& RequireBlocks(Handle handle) const;
  static BatchLimits LimitsOf(const Model& model);
  /** Asks for the memory of a large step; small ones are part of every process's slack. Throws OUT_OF_MEMORY. */
  static void RequireStepMemory(const Model& model, const StepBatch& batch);

  std::unique_ptr<Model> model_;
  std::map<Handle, std::unique_ptr<KvPool>> bare_pools_;
  Handle next_handle_ = 1;
};

}  // namespace resident
