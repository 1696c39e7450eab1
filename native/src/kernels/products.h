#pragma once
#include <algorithm>
#include <initializer_list>
#include <span>
#include <vector>

#include "kernels/digit_buffer.h"
#include "kernels/packed_matrix.h"
#include "kernels/thread_pool.h"

namespace resident::kernels {

/** Matrices of the same input width whose outputs follow each other. */
using Matrices = std::vector<PackedMatrix>;

int Outputs(const Matrices& matrices);
/** Whether one of them multiplies integers. */
bool NeedsDigits(std::initializer_list<const Matrices*> all);

/** A norm's weight, padded with zeros to 16. */
struct NormWeight {
  explicit NormWeight(std::span<const float> values);
  int features;
  std::vector<float> weight;
};

/** Rows ready for products: floats, and digits where a quantised matrix needs them. */
struct ProductRows {
  const float* x;
  size_t stride;
  DigitRows digits;
  int rows;
};

/** One of several matrices of a product, and where its outputs begin in the result. */
struct Product {
  const PackedMatrix* matrix;
  int offset;
};
std::vector<Product> ProductsOf(std::initializer_list<const Matrices*> all);

/**
 * Products of rows and matrices, and what makes rows ready for them, over a table of kernels and a pool of threads.
 * Lives on one thread; what it answers with is valid until the next call of the same kind. May throw std::bad_alloc.
 */
class Multiplier {
 public:
  Multiplier(const KernelTable& table, ThreadPool& pool) : table_(table), pool_(pool), digits_(table) {}

  const KernelTable& table() const { return table_; }
  ThreadPool& pool() { return pool_; }
  size_t scratch_bytes() const { return digits_.bytes() + normed_.bytes(); }

  /** norm(x), with digits if asked for. */
  ProductRows Normalise(const NormWeight& norm, float eps, int rows, const float* x, bool digits);
  /** x itself, whose rows are padded with zeros, with digits if asked for. */
  ProductRows Prepare(const float* x, int features, int rows, bool digits);

  /** Calls work(first, end) for all rows in pieces, on all threads. */
  template <typename Work>
  void ForRows(int rows, Work work);
  /** Calls work(first row, rows, first panel, end, thread) for blocks of rows and some panels each, on all threads. */
  template <typename Work>
  void ForPanels(int panels, const ProductRows& in, Work work);
  /** Calls use(product, panel, first row, rows, y [rows][16], thread) for every panel and block of rows. */
  template <typename Use>
  void Multiply(std::span<const Product> products, const ProductRows& in, Use use);
  /** y [panels][rows, PanelStride][16], bias included. */
  void MultiplyPanels(const PackedMatrix& matrix, int begin, int end, const ProductRows& in, int first, int rows,
                      float* y) const;

  /** Rows that one call of ForPanels' work gets at most: their digits stay in the second-level cache. */
  static constexpr int kBlockRows = 64;
  /** Panels that it gets at most. */
  static constexpr int kMostChunkPanels = 8;
  static constexpr int kChunkFloats = kMostChunkPanels * kBlockRows * kPanelRows;

 private:
  static constexpr int CeilDiv(int a, int b) { return (a + b - 1) / b; }
  int PanelsAChunk(int panels, int inputs, int rows) const;

  const KernelTable& table_;
  ThreadPool& pool_;
  DigitBuffer digits_;
  Buffer normed_;
};

/** Rows that one chunk of row-wise work takes at most. */
constexpr int kMostChunkRows = 16;

template <typename Work>
void Multiplier::ForRows(int rows, Work work) {
  const int a_chunk = std::clamp(CeilDiv(rows, 2 * pool_.threads()), 1, kMostChunkRows);
  pool_.Run(CeilDiv(rows, a_chunk),
            [&](int chunk, int) { work(chunk * a_chunk, std::min(rows, (chunk + 1) * a_chunk)); });
}

template <typename Work>
void Multiplier::ForPanels(int panels, const ProductRows& in, Work work) {
  const int a_chunk = PanelsAChunk(panels, int(in.stride), in.rows);
  const int chunks_a_block = CeilDiv(panels, a_chunk);
  const auto run = [&](int chunk, int thread) {
    const int first = chunk / chunks_a_block * kBlockRows, begin = chunk % chunks_a_block * a_chunk;
    work(first, std::min(kBlockRows, in.rows - first), begin, std::min(panels, begin + a_chunk), thread);
    table_.end_panels();
  };
  pool_.Run(chunks_a_block * CeilDiv(in.rows, kBlockRows), run, ThreadPool::Order::kOwnFirst);
}

template <typename Use>
void Multiplier::Multiply(std::span<const Product> products, const ProductRows& in, Use use) {
  int panels = 0;
  for (const Product& product : products) panels += product.matrix->panels();
  ForPanels(panels, in, [&](int first, int rows, int begin, int end, int thread) {
    float y[kChunkFloats];
    int base = 0;
    for (const Product& product : products) {
      const int count = product.matrix->panels();
      const int from = std::max(begin - base, 0), to = std::min(end - base, count);
      base += count;
      if (from >= to) continue;
      MultiplyPanels(*product.matrix, from, to, in, first, rows, y);
      for (int p = from; p < to; ++p) use(product, p, first, rows, y + size_t(p - from) * PanelStride(rows), thread);
    }
  });
}

}  // namespace resident::kernels
