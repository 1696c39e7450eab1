#include "capture.h"

#include <mlx/backend/metal/metal.h>

#include <stdexcept>

#include "core/engine.h"

using namespace resident;

void CaptureStep(const std::string& model_directory, const std::string& trace) {
  constexpr int kPromptTokens = 500, kBlockTokens = 64, kBlocks = 16;
  Engine engine;
  const LoadHooks load{[](uint64_t, uint64_t) {}, [] { return false; }};
  const Handle model = engine.LoadModel(model_directory, {}, load);
  if (!engine.Info(model).is_gpu) throw std::runtime_error("the model is not on a GPU: there is nothing to record");
  const Handle pool = engine.CreatePool(model, kBlocks, kBlockTokens);
  StepBatch batch;
  batch.tokens.assign(kPromptTokens, 1);
  batch.token_counts = {kPromptTokens};
  batch.starts = {0};
  for (int i = 0; i < kBlocks; ++i) batch.tables.push_back(i);
  batch.table_lengths = {kBlocks};
  batch.want_token = {1};
  batch.sampling.resize(1);
  const RunHooks hooks{[](StepHarvest) {}, [] { return false; }, [] {}};
  engine.Run(pool, batch, hooks);
  batch.tokens = {kLastSampled};
  batch.token_counts = {1};
  // The first steps compile shaders.
  for (int step = 0; step < 4; ++step) {
    batch.starts = {kPromptTokens + step};
    if (step == 3) mx::metal::start_capture(trace);
    engine.Run(pool, batch, hooks);
  }
  mx::metal::stop_capture();
}
