// The graph that is made for a GPU, computed on this machine: it means what the one for a CPU means.
#include <mlx/fast.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <future>
#include <vector>

#include "check.h"
#include "core/device.h"
#include "device.h"
#include "loaded_model.h"

using namespace resident;

namespace {

const mx::Device kCpu(mx::Device::cpu);

/** Logits of each step: a prompt in two chunks, then two single tokens, together with another sequence. */
std::vector<float> LogitsOf(MlxGraph graph, const TinyModel& tiny, DataType kv_dtype) {
  PrepareMlx();  // nothing is compiled on a CPU
  const std::unique_ptr<Ops> ops = MakeMlxOps(kCpu, graph);
  LoadedModel model(*ops, kv_dtype, 16, tiny);
  const std::vector<int32_t> tokens{3, 17, 42, 8, 8, 25, 49, 1, 30, 11, 6, 13, 28, 35, 2, 44, 9, 21};
  const std::vector<int32_t> run{2, 3, 4}, scattered{9, 7, 12};
  std::vector<float> all;
  const auto step = [&](size_t from, size_t end) {
    const std::span<const int32_t> rows(tokens.data() + from, end - from);
    const SequenceRows both[] = {{rows, int(from), {run}, SequenceRows::Wanted::kLogits},
                                 {rows, int(from), {scattered}, SequenceRows::Wanted::kLogits}};
    const StepResult result = RunStep(*model.decoder, *ops, *model.pool, both);
    CHECK_EQUAL(result.moved_slabs, 0);
    const float* logits = result.logits->data<float>();
    all.insert(all.end(), logits, logits + result.logits->size());
  };
  step(0, 11);
  step(11, 16);
  step(16, 17);
  step(17, 18);
  return all;
}

/** MLX's streams end with their thread. */
std::vector<float> OnThread(MlxGraph graph, const TinyModel& tiny, DataType kv_dtype) {
  return std::async(std::launch::async, [&] { return LogitsOf(graph, tiny, kv_dtype); }).get();
}

const std::vector<TinyModel>& Families() {
  static const std::vector<TinyModel> families{
      TinyModel("llama"),
      TinyModel("qwen2"),
      TinyModel("qwen3"),
      TinyModel("gemma3_text", R"(,"sliding_window":9,"sliding_window_pattern":3)"),
      TinyModel("granite", R"(,"embedding_multiplier":3,"attention_multiplier":0.2,"residual_multiplier":0.4,)"
                           R"("logits_scaling":1.5)"),
      TinyModel("ministral3", R"(,"rope_parameters":{"type":"yarn","factor":4,"original_max_position_embeddings":6,)"
                              R"("llama_4_scaling_beta":0.3})"),
      TinyModel("olmo2"),
      TinyModel("phi3", R"(,"partial_rotary_factor":0.75,"original_max_position_embeddings":64,"rope_scaling":)"
                        R"({"type":"longrope","long_factor":[1.5,2,4]})"),
      TinyModel("smollm3", R"(,"no_rope_layers":[1,0,1])")};
  return families;
}

}  // namespace

TEST("a graph for a GPU has the bits of one for a CPU, where K and V have the type of the activations") {
  for (const TinyModel& tiny : Families()) {
    const std::vector<float> expected = OnThread(MlxGraph::kForCpu, tiny, DataType::kF32);
    CHECK_EQUAL(expected.size(), size_t(4 * 2 * 50));
    CHECK_EQUAL(OnThread(MlxGraph::kForGpu, tiny, DataType::kF32), expected);
  }
}

TEST("a graph for a GPU attends in the type of K and V, which rounds what a CPU computes in f32") {
  for (const TinyModel& tiny : Families()) {
    const std::vector<float> exact = OnThread(MlxGraph::kForCpu, tiny, DataType::kF32);
    for (const auto& [type, tolerance] : {std::pair(DataType::kF16, 0.04), std::pair(DataType::kBF16, 0.3)}) {
      const std::vector<float> rounded = OnThread(MlxGraph::kForGpu, tiny, type);
      CHECK(rounded != OnThread(MlxGraph::kForCpu, tiny, type));
      for (size_t i = 0; i < exact.size(); ++i) CHECK_NEAR(rounded[i], exact[i], tolerance);
    }
  }
}

TEST("a norm without a weight and a product have the bits of a norm with it, in every type") {
  std::vector<float> values(6 * 64), weights(64);
  for (size_t i = 0; i < values.size(); ++i) values[i] = std::ldexp(float(i * 7919 % 1009) - 500, int(i % 7) - 9);
  for (size_t i = 0; i < weights.size(); ++i) weights[i] = 0.2f + float(i * 31 % 17) / 9;
  for (const mx::Dtype type : {mx::float32, mx::float16, mx::bfloat16}) {
    const auto make = [&](const std::vector<float>& from, mx::Shape shape) {
      return mx::astype(Tensor(from.begin(), std::move(shape), mx::float32), type, TestDevice());
    };
    const Tensor x = make(values, {6, 1, 64}), weight = make(weights, {64});
    Tensor one = mx::fast::rms_norm(x, weight, 1e-5f, TestDevice());
    Tensor two = mx::multiply(mx::fast::rms_norm(x, std::nullopt, 1e-5f, TestDevice()), weight, TestDevice());
    mx::eval(one, two);
    CHECK_EQUAL(std::memcmp(one.data<std::byte>(), two.data<std::byte>(), one.nbytes()), 0);
  }
}
