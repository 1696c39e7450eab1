#pragma once
#include <cstdint>
#include <span>

#include "kernels/paged_attention.h"
#include "kernels/products.h"

namespace resident::kernels {

struct FeedForwardWeights {
  const NormWeight *norm, *output_norm;  // either may be nullptr
  const Matrices *gate, *up, *down;
  Activation activation;
  float norm_eps;
  float residual_scale = 1;
};

/**
 * The parts of a transformer over a table of kernels, a pool of threads and its own scratch memory.
 * Activations are f32 rows of PaddedDim(features) floats whose padding is 0. Lives on one thread; may throw
 * std::bad_alloc.
 */
class Transformer {
 public:
  Transformer(Level level, int threads)
      : table_(TableOf(level)), pool_(threads), multiplier_(table_, pool_), attention_(multiplier_) {}

  Level level() const { return table_.level; }
  int threads() const { return pool_.threads(); }
  /** For other work on the same thread, between two calls. */
  ThreadPool& pool() { return pool_; }
  /** Of the memory that steps work in, which stays for the next one. */
  size_t scratch_bytes() const {
    return multiplier_.scratch_bytes() + attention_.scratch_bytes() + gated_.bytes() + product_.bytes();
  }

  void Embed(const Matrices& table, float scale, std::span<const int32_t> ids, float* x);
  /** x + residual_scale * output_norm(attention(norm(x))), after K and V of the rows are written into the cache. y may be x. */
  void Attend(const AttentionWeights& weights, const Rows& rows, const LayerCache& cache, const float* x, float* y);
  /** x + residual_scale * output_norm(down(activation(gate(norm(x))) * up(norm(x)))). y may be x. */
  void FeedForward(const FeedForwardWeights& weights, int rows, const float* x, float* y);
  /** head(norm(x)): [rows, outputs], not padded. */
  void Logits(const NormWeight& norm, float eps, const Matrices& head, int rows, const float* x, float* logits);
  /** Index of each row's largest logit, the lowest where several are; −1 where it is not finite, or none is a number.
   */
  void Best(const NormWeight& norm, float eps, const Matrices& head, int rows, const float* x, int32_t* best);

 private:
  /** norm(x), or x itself without a norm. */
  ProductRows RowsOf(const NormWeight* norm, float eps, const Matrices& matrices, int rows, const float* x, bool digits);
  /** y = x + scale * product, or x + scale * norm(product), by the layer's output_norm and residual_scale. */
  template <typename Layer>
  void AddProduct(const Matrices& matrices, const ProductRows& in, const Layer& layer, const float* x, float* y);

  const KernelTable& table_;
  ThreadPool pool_;
  Multiplier multiplier_;
  PagedAttention attention_;
  Buffer gated_, product_;
};

}  // namespace resident::kernels
