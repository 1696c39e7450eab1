#include "core/step_memory.h"

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <numeric>

#include "kernels/paged_attention.h"
#include "kernels/quantised_head.h"

namespace resident {
namespace {

constexpr uint64_t kFloat = sizeof(float);

/**
 * Layers whose intermediate results may be alive at once on a GPU: MLX encodes up to 12 command buffers ahead of the
 * one that runs (MAX_ACTIVE_TASKS of transforms.cpp), of up to 51 operations each (device.cpp), a layer has 17 or more,
 * and a buffer's arrays are freed when it has completed.
 */
constexpr uint64_t kLayersInFlight = 12 * 51 / 17;

struct Sizes {
  explicit Sizes(const ModelConfig& config)
      : hidden(uint64_t(config.hidden_size)),
        inner(uint64_t(config.intermediate_size)),
        queries(uint64_t(config.num_heads) * uint64_t(config.head_dim)),
        keys(uint64_t(config.num_kv_heads) * uint64_t(config.head_dim)),
        vocabulary(uint64_t(config.vocab_size)) {}

  uint64_t hidden, inner, queries, keys, vocabulary;
};

/**
 * Of K and V of one sequence, as they are brought into the form that attention takes. On a GPU that is their own type:
 * the queries are converted (ops_mlx.cc).
 */
uint64_t ContextBytes(const ModelConfig& config, bool is_gpu, const StepShape& shape, const SequenceShape& sequence,
                      uint64_t keys) {
  const uint64_t heads = 2 * keys * uint64_t(config.num_kv_heads), elements = heads * uint64_t(config.head_dim);
  if (shape.kv_dtype == DataType::kQ8) {  // values and their products with the scales in whole groups, then heads
    const auto groups = uint64_t(kernels::CacheGroups(config.head_dim));
    return (2 * heads * groups * kernels::kCacheGroup + elements) * kFloat;
  }
  const uint64_t gathered = sequence.one_run ? 0 : elements * SizeOf(shape.kv_dtype);
  const bool as_stored = is_gpu || shape.kv_dtype == shape.activations;
  const uint64_t converted = as_stored ? 0 : elements * SizeOf(shape.activations);
  return gathered + converted;
}

/**
 * One layer's attention: all sequences' at once, since MLX evaluates a graph by its breadth. Where it is not fused, the
 * mask and the softmax take the scores' memory, and a product on the CPU copies K and V once for each query head.
 */
uint64_t AttentionBytes(const ModelConfig& config, bool is_gpu, const StepShape& shape, int window) {
  const Sizes sizes(config);
  uint64_t bytes = 0;
  for (const SequenceShape& sequence : shape.sequences) {
    const uint64_t seen = window == 0 ? sequence.context : uint64_t(window) + sequence.rows;
    const uint64_t keys = std::min(sequence.context, seen);
    const uint64_t element = SizeOf(is_gpu ? shape.kv_dtype : shape.activations);
    bytes += ContextBytes(config, is_gpu, shape, sequence, keys);
    if (window > 0) bytes += sequence.rows * keys;  // the mask
    if (FusesAttention(is_gpu, config.head_dim, config.num_heads, config.num_kv_heads, sequence.rows)) continue;
    bytes += sequence.rows * keys * (uint64_t(config.num_heads) * element + 1);
    if (!is_gpu) bytes += 2 * keys * sizes.queries * element;
  }
  return bytes;
}

/**
 * States of splits that wait to be joined (AttendSplits): of every query, where units are too few for all threads, and
 * of sequences that may share a prefix, which take twice as much at most (SharedPrefixes).
 */
uint64_t SplitStates(const ModelConfig& config, int threads, const StepShape& shape) {
  using namespace kernels;
  const int heads = config.num_heads, kv_heads = config.num_kv_heads, group = heads / kv_heads;
  const auto a_position = uint64_t(kv_heads * ((group + UnitHeads(heads, kv_heads) - 1) / UnitHeads(heads, kv_heads)));
  const auto positions = uint64_t(UnitPositions(heads, kv_heads));
  uint64_t units = 0, states = 0, may_share = 0, single_states = 0;
  for (const SequenceShape& sequence : shape.sequences) {
    units += (sequence.rows + positions - 1) / positions * a_position;
    const uint64_t own = sequence.rows * uint64_t(heads) * (sequence.context / kSplitKeys + 2);
    states += own;
    if (sequence.rows != 1) continue;
    ++may_share;
    single_states += own;
  }
  const bool few = threads > 1 && units < uint64_t(kUnitsAThread) * uint64_t(threads);
  return (few ? states : 0) + (may_share > 1 ? single_states * (few ? 1 : 2) : 0);
}

}  // namespace

uint64_t StepShape::rows() const {
  return std::accumulate(sequences.begin(), sequences.end(), uint64_t(0),
                         [](uint64_t sum, const SequenceShape& sequence) { return sum + sequence.rows; });
}

bool FusesAttention(bool is_gpu, int head_dim, int heads, int kv_heads, uint64_t rows) {
  const auto is_one_of = [&](std::initializer_list<int> dims) {
    return std::find(dims.begin(), dims.end(), head_dim) != dims.end();
  };
  if (!is_gpu) return false;
  if (rows > 8) return is_one_of({64, 72, 80, 96, 128});  // at 256 its plain operations are the faster ones
  return is_one_of({64, 96, 128, 256}) && rows * uint64_t(heads / kv_heads) <= 32;
}

uint64_t StockStepBytes(const ModelConfig& config, bool is_gpu, const StepShape& shape) {
  const Sizes sizes(config);
  const uint64_t element = SizeOf(shape.activations), heads = sizes.queries + sizes.keys;
  // Operations by the width of their results, without those that take an operand's memory. On a CPU fewer do, and
  // transposed heads are copied for every product.
  const uint64_t inner = config.activation == Activation::kSilu ? 3 : 4;
  const uint64_t a_row = is_gpu ? 4 * sizes.hidden + 4 * heads + inner * sizes.inner
                                : 6 * sizes.hidden + 8 * heads + (inner + 2) * sizes.inner;
  const uint64_t scaled = config.position_scale_beta == 0 ? 0 : sizes.queries;
  // Heads that are cut and put together again: for a joint norm, and where a part of each is rotated and magnified.
  const bool is_partial = config.rope.RotatedDims(config.head_dim) < config.head_dim;
  const uint64_t joined = heads * (uint64_t(config.joint_query_key_norm) + uint64_t(is_partial));
  // On a GPU, queries, keys, values and what attention gives, in the type of K and V where that is another one.
  const bool converts = is_gpu && shape.kv_dtype != shape.activations;
  const uint64_t converted = converts ? 2 * heads * SizeOf(shape.kv_dtype) : 0;
  std::vector<uint64_t> layers;
  for (int layer = 0; layer < config.num_layers; ++layer) {
    const int window = config.windows.empty() ? 0 : config.windows[size_t(layer)];
    const bool as_before = layer > 0 && (config.windows.empty() || window == config.windows[size_t(layer) - 1]);
    const uint64_t bytes = as_before ? layers.back()
                                     : AttentionBytes(config, is_gpu, shape, window) +
                                           shape.rows() * ((a_row + scaled + joined) * element + converted);
    layers.push_back(bytes);
  }
  // A CPU frees a layer's results before the next one's are made.
  const size_t alive = is_gpu ? std::min(layers.size(), size_t(kLayersInFlight)) : 1;
  std::ranges::sort(layers, std::greater<>());
  const uint64_t in_layers = std::accumulate(layers.begin(), layers.begin() + std::ptrdiff_t(alive), uint64_t(0));
  // Logits in the activations' type, without NaN, as floats, and what a sampler makes of them.
  return in_layers + shape.wanted_rows * sizes.vocabulary * (3 * element + 3 * kFloat);
}

uint64_t KernelStepBytes(const ModelConfig& config, int threads, const StepShape& shape) {
  using namespace kernels;
  const auto padded = [](uint64_t features) { return uint64_t(PaddedDim(int(features))); };
  const Sizes sizes(config);
  const uint64_t readable_rows = (shape.rows() + kReadableRows - 1) / kReadableRows * kReadableRows;
  const uint64_t widest = std::max({sizes.hidden, sizes.inner, sizes.queries});
  const uint64_t groups = (widest + kDigitGroup - 1) / kDigitGroup + 1;
  const uint64_t a_row = padded(sizes.queries + 2 * sizes.keys) + 2 * kPanelRows + padded(sizes.queries) +  // attention
                         2 * padded(sizes.hidden) + padded(sizes.inner);  // norms, activated rows
  const uint64_t scratch = shape.rows() * a_row * kFloat +
                           readable_rows * groups * (kDigitBytes + kPairRowBytes + 2 * kFloat) +  // factors as integers
                           SplitStates(config, threads, shape) * PartialFloats(config.head_dim) * kFloat +
                           uint64_t(threads) * AttendScratchFloats(config.head_dim) * kFloat;
  const uint64_t arrays = 3 * shape.rows() * padded(sizes.hidden) * kFloat;
  const uint64_t logits = 2 * shape.wanted_rows * sizes.vocabulary * kFloat;  // one is what a sampler makes of them
  return 2 * scratch + arrays + logits;  // scratch grows by half, while what it replaces is still there
}

}  // namespace resident
