#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "kernels/buffer.h"
#include "kernels/kernel_table.h"
#include "kernels/packed_matrix.h"
#include "kernels/rotary.h"
#include "kernels/thread_pool.h"

namespace resident::kernels {

/** Matrices of the same input width whose outputs follow each other. */
using Matrices = std::vector<PackedMatrix>;

/** A norm's weight, padded with zeros to 16. */
struct NormWeight {
  explicit NormWeight(std::span<const float> values);
  int features;
  std::vector<float> weight;
};

/** One sequence's rows of a step. */
struct SequenceRows {
  int first_row, rows;
  int start;             // position of the first row
  const int32_t* table;  // block ids in order
};

/** Where a row's K and V go. */
struct Slot {
  int32_t block, offset;
};

/** All rows of a step, sequence after sequence. */
struct Rows {
  std::vector<int32_t> positions;
  std::vector<Slot> slots;
  std::vector<SequenceRows> sequences;
  int block_tokens;
  int count() const { return int(positions.size()); }
};

struct AttentionWeights {
  const NormWeight *norm, *output_norm;  // the latter may be nullptr
  const Matrices *query_key, *value, *output;
  const NormWeight *query_norm, *key_norm;  // nullptr: the family has none
  Rotary* rotary;
  int heads, kv_heads, head_dim;
  int window;  // tokens that a row sees, its own included; 0: all
  float norm_eps, scale;
};

struct FeedForwardWeights {
  const NormWeight *norm, *output_norm;  // the latter may be nullptr
  const Matrices *gate, *up, *down;
  Activation activation;
  float norm_eps;
};

/** K and V of one layer, to be appended to and read. */
struct LayerCache {
  void* k;
  void* v;
  FloatType type;
};

/**
 * The parts of a pre-norm transformer over a table of kernels, a pool of threads and its own scratch memory.
 * Activations are f32 rows of PaddedDim(features) floats whose padding is 0. Lives on one thread; may throw
 * std::bad_alloc.
 */
class Transformer {
 public:
  Transformer(Level level, int threads) : table_(TableOf(level)), pool_(threads) {}

  Level level() const { return table_.level; }
  int threads() const { return pool_.threads(); }

  void Embed(const Matrices& table, float scale, std::span<const int32_t> ids, float* x);
  /** x + output_norm(attention(norm(x))), after K and V of the rows are written into the cache. y may be x. */
  void Attend(const AttentionWeights& weights, const Rows& rows, const LayerCache& cache, const float* x, float* y);
  /** x + output_norm(down(activation(gate(norm(x))) * up(norm(x)))). y may be x. */
  void FeedForward(const FeedForwardWeights& weights, int rows, const float* x, float* y);
  /** head(norm(x)): [rows, outputs], not padded. */
  void Logits(const NormWeight& norm, float eps, const Matrices& head, int rows, const float* x, float* logits);
  /** Index of each row's largest logit, the lowest where several are; −1 where none is a number. */
  void Best(const NormWeight& norm, float eps, const Matrices& head, int rows, const float* x, int32_t* best);

 private:
  /** Rows ready for products: floats, and digits where a quantised matrix needs them. */
  struct Inputs {
    const float* x;
    size_t stride;
    DigitRows digits;
    int rows;
  };
  struct DigitBuffers {
    Buffer digits, pairs, scales, sums;
  };
  struct Product;

  Inputs Normalise(const NormWeight& norm, float eps, int rows, const float* x, bool digits);
  Inputs Prepare(const float* x, int features, int rows, bool digits);
  /** Calls work(first, end) for all rows in pieces, on all threads. */
  template <typename Work>
  void ForRows(int rows, Work work);
  void QuantiseRows(const float* x, size_t stride, int rows, int groups, int first, int end);
  void ReserveDigits(int rows, int groups);
  DigitRows MakeDigits(int rows, int groups);
  template <typename Use>
  void Multiply(std::span<const Product> products, const Inputs& in, Use use);
  /** y = x + product, or x + norm(product). */
  void AddProduct(const Matrices& matrices, const Inputs& in, const NormWeight* norm, float eps, const float* x,
                  float* y);
  template <typename Work>
  void ForPanels(int panels, const Inputs& in, Work work);
  void MultiplyPanels(const PackedMatrix& matrix, int begin, int end, const Inputs& in, int first, int rows,
                      float* y) const;
  void RotateAndAppend(const AttentionWeights& w, const Rows& rows, const LayerCache& cache, int first, int end);
  void AttendRows(const AttentionWeights& w, const Rows& rows, const LayerCache& cache);
  float* Floats(Buffer& buffer, size_t count);

  const KernelTable& table_;
  ThreadPool pool_;
  DigitBuffers digit_buffers_;
  Buffer normed_, queries_keys_values_, attended_, gated_, product_, partials_, scratch_;
  size_t qkv_stride_ = 0;
};

}  // namespace resident::kernels
