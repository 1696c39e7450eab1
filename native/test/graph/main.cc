// Builds one step of a model without computing it, and prints what MLX was given to evaluate: JSON of every node.
//
//   resident_graph MODEL KV views|gathers ROWS CONTEXT...
//
// One sequence for each CONTEXT, its last ROWS tokens in the step; KV is the type of K and V. Evaluation is replaced
// here: it records the graph and hands out zeros, so the numbers are nothing and the calls are those of a real step.
#include <mlx/allocator.h>
#include <mlx/compile.h>
#include <mlx/primitives.h>
#include <mlx/transforms.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <set>
#include <string>
#include <string_view>

#include "core/checkpoint.h"
#include "core/loader.h"
#include "core/step.h"

namespace mx = mlx::core;

namespace {

struct Recorder {
  bool on = false;
  int evaluations = 0;
  std::string nodes;
} recorder;

std::string TypeName(mx::Dtype type) {
  switch (type.val()) {
    case mx::Dtype::Val::float32:
      return "f32";
    case mx::Dtype::Val::float16:
      return "f16";
    case mx::Dtype::Val::bfloat16:
      return "bf16";
    default:
      return "other";
  }
}

std::string ArrayJson(const mx::array& x) {
  std::string text = R"({"id":)" + std::to_string(x.id()) + R"(,"type":")" + TypeName(x.dtype()) + R"(","shape":[)";
  for (size_t i = 0; i < x.ndim(); ++i) text += (i > 0 ? "," : "") + std::to_string(x.shape(int(i)));
  return text + R"(],"stored":)" + (x.has_primitive() ? "false" : "true") + "}";
}

std::string ListJson(const std::vector<mx::array>& arrays) {
  std::string text = "[";
  for (const mx::array& x : arrays) text += (text.size() > 1 ? "," : "") + ArrayJson(x);
  return text + "]";
}

/** Every node that `outputs` need, each once. */
std::string NodesJson(const std::vector<mx::array>& outputs) {
  std::string text;
  std::set<std::uintptr_t> seen;
  std::vector<mx::array> waiting = outputs;
  while (!waiting.empty()) {
    const mx::array x = waiting.back();
    waiting.pop_back();
    // By its first output: what mx::compile has made shares its primitive with its other calls.
    if (!x.has_primitive() || !seen.insert(x.outputs().front().id()).second) continue;
    text += std::string(text.empty() ? "" : ",\n") + R"({"name":")" + x.primitive().name() + R"(","inputs":)" +
            ListJson(x.inputs()) + R"(,"outputs":)" + ListJson(x.outputs()) + "}";
    waiting.insert(waiting.end(), x.inputs().begin(), x.inputs().end());
  }
  return text;
}

resident::DataType KvType(std::string_view name) {
  if (name == "f32") return resident::DataType::kF32;
  if (name == "f16") return resident::DataType::kF16;
  return resident::DataType::kBF16;
}

}  // namespace

namespace mlx::core {

MLX_API void eval(std::vector<array> outputs) {
  if (recorder.on) {
    ++recorder.evaluations;
    recorder.nodes = NodesJson(outputs);
  }
  for (array& x : outputs) {
    if (!x.has_primitive()) continue;
    allocator::Data memory = allocator::malloc(x.nbytes());
    std::memset(memory.buffer().raw_ptr(), 0, x.nbytes());
    x.set_data(std::move(memory));
    x.set_status(array::Status::available);
    x.detach();
  }
}

}  // namespace mlx::core

int main(int argc, char** argv) {
  using namespace resident;
  if (argc < 6) return 2;
  mx::enable_compile();  // traced and never compiled
  const mx::Device cpu(mx::Device::cpu);
  const auto ops = MakeMlxOps(cpu, MlxGraph::kForGpu);
  const Checkpoint checkpoint(argv[1]);
  const ModelConfig& config = checkpoint.config();
  WeightLoader loader(checkpoint, cpu, *ops);
  const Decoder decoder(config, *ops, loader.Load({[](uint64_t, uint64_t) {}, [] { return false; }}));
  const bool gathers = std::string_view(argv[3]) == "gathers";
  const int rows = std::atoi(argv[4]), block_tokens = 16;
  std::vector<int> contexts;
  for (int i = 5; i < argc; ++i) contexts.push_back(std::atoi(argv[i]));
  std::vector<std::vector<int32_t>> tables;
  int blocks = 8;  // some that nobody uses
  for (const int context : contexts) {
    tables.emplace_back(size_t((context + block_tokens - 1) / block_tokens));
    std::iota(tables.back().begin(), tables.back().end(), blocks);
    blocks += int(tables.back().size());
  }
  KvPool pool(PoolShape({.blocks = blocks,
                         .block_tokens = block_tokens,
                         .num_layers = config.num_layers,
                         .kv_heads = config.num_kv_heads,
                         .head_dim = config.head_dim,
                         .dtype = KvType(argv[2])}),
              *ops, cpu);
  const std::vector<int32_t> tokens(size_t(rows), 1);
  std::vector<SequenceRows> sequences;
  for (size_t i = 0; i < contexts.size(); ++i) {
    sequences.push_back({tokens, contexts[i] - rows, {tables[i]}, SequenceRows::Wanted::kArgMax});
  }
  const auto step = [&] {
    RunStep(decoder, *ops, pool, sequences, gathers ? ContextPolicy::kGatherAlways : ContextPolicy::kViews);
  };
  step();  // the first one makes what later ones share
  const std::string slabs = ListJson(pool.slabs().k), more = ListJson(pool.slabs().v);
  recorder.on = true;
  step();
  std::printf("{\"evaluations\":%d,\n\"kSlabs\":%s,\n\"vSlabs\":%s,\n\"nodes\":[\n%s\n]}\n", recorder.evaluations,
              slabs.c_str(), more.c_str(), recorder.nodes.c_str());
  return 0;
}
