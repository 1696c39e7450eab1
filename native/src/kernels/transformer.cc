#include "kernels/transformer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace resident::kernels {
namespace {

/** A panel's outputs of one row; all but a matrix' last panel have 16, whose number the compiler then knows. */
void CopyOutputs(const float* tile, int valid, float* to) {
  if (valid == kPanelRows) {
    std::memcpy(to, tile, kPanelRows * sizeof(float));
  } else {
    std::copy_n(tile, valid, to);
  }
}

}  // namespace

void Transformer::Embed(const Matrices& table, float scale, std::span<const int32_t> ids, float* x) {
  const PackedMatrix& matrix = table.front();
  const size_t stride = size_t(matrix.padded_inputs());
  for (size_t i = 0; i < ids.size(); ++i) matrix.Row(ids[i], x + i * stride);
  if (scale != 1) std::for_each(x, x + ids.size() * stride, [&](float& value) { value *= scale; });
}

void Transformer::Attend(const AttentionWeights& w, const Rows& rows, const LayerCache& cache, const float* x,
                         float* y) {
  const bool digits = NeedsDigits({w.query_key, w.value});
  const ProductRows in = RowsOf(w.norm, w.norm_eps, *w.value, rows.count(), x, digits);
  const PagedAttention::QkvRows qkv = attention_.Reserve(w, rows.count());
  const auto store = [&](const Product& product, int panel, int first, int n, const float* tile, int) {
    const int valid = std::min(kPanelRows, product.matrix->outputs() - panel * kPanelRows);
    float* to = qkv.x + size_t(first) * qkv.stride + product.offset + panel * kPanelRows;
    for (int r = 0; r < n; ++r) CopyOutputs(tile + r * kPanelRows, valid, to + size_t(r) * qkv.stride);
  };
  multiplier_.Multiply(ProductsOf({w.query_key, w.value}), in, store);
  const float* attended = attention_.Attend(w, rows, cache);
  const ProductRows made = multiplier_.Prepare(attended, w.heads * w.head_dim, rows.count(), NeedsDigits({w.output}));
  AddProduct(*w.output, made, w, x, y);
}

ProductRows Transformer::RowsOf(const NormWeight* norm, float eps, const Matrices& matrices, int rows, const float* x,
                                bool digits) {
  if (norm != nullptr) return multiplier_.Normalise(*norm, eps, rows, x, digits);
  return multiplier_.Prepare(x, matrices.front().inputs(), rows, digits);
}

template <typename Layer>
void Transformer::AddProduct(const Matrices& matrices, const ProductRows& in, const Layer& layer, const float* x,
                             float* y) {
  const size_t stride = size_t(matrices.front().padded_outputs());
  const std::vector<Product> products = ProductsOf({&matrices});
  const NormWeight* norm = layer.output_norm;
  // Where it is 1 the sums have the same bits as without it, as long as nothing is contracted.
  const float scale = layer.residual_scale, eps = layer.norm_eps;
  if (norm != nullptr) {
    float* all = product_.ReserveFloats(size_t(in.rows) * stride);
    multiplier_.Multiply(products, in, [&](const Product&, int panel, int first, int n, const float* tile, int) {
      for (int r = 0; r < n; ++r) {
        std::copy_n(tile + r * kPanelRows, kPanelRows, all + size_t(first + r) * stride + size_t(panel) * kPanelRows);
      }
    });
    return multiplier_.ForRows(in.rows, [&](int first, int end) {
      for (int r = first; r < end; ++r) {
        float* row = all + size_t(r) * stride;
        table_.rms_norm(row, norm->weight.data(), norm->features, eps, row);
        for (size_t i = 0; i < stride; ++i) y[size_t(r) * stride + i] = x[size_t(r) * stride + i] + scale * row[i];
      }
    });
  }
  multiplier_.Multiply(products, in, [&](const Product&, int panel, int first, int n, const float* tile, int) {
    for (int r = 0; r < n; ++r) {
      const size_t at = size_t(first + r) * stride + size_t(panel) * kPanelRows;
      for (int i = 0; i < kPanelRows; ++i) y[at + size_t(i)] = x[at + size_t(i)] + scale * tile[r * kPanelRows + i];
    }
  });
}

void Transformer::FeedForward(const FeedForwardWeights& w, int rows, const float* x, float* y) {
  const ProductRows in = RowsOf(w.norm, w.norm_eps, *w.up, rows, x, NeedsDigits({w.gate, w.up}));
  const PackedMatrix &gate = w.gate->front(), &up = w.up->front();
  const size_t stride = size_t(up.padded_outputs());
  float* gated = gated_.ReserveFloats(size_t(rows) * stride);
  const auto activate = w.activation == Activation::kSilu ? table_.silu_multiply : table_.gelu_multiply;
  multiplier_.ForPanels(gate.panels(), in, [&](int first, int n, int begin, int end, int) {
    float gates[Multiplier::kChunkFloats], ups[Multiplier::kChunkFloats];
    multiplier_.MultiplyPanels(gate, begin, end, in, first, n, gates);
    multiplier_.MultiplyPanels(up, begin, end, in, first, n, ups);
    for (int p = begin; p < end; ++p) {
      float* tile = gates + size_t(p - begin) * PanelStride(n);
      activate(tile, ups + size_t(p - begin) * PanelStride(n), n * kPanelRows, tile);
      for (int r = 0; r < n; ++r) {
        std::copy_n(tile + r * kPanelRows, kPanelRows, gated + size_t(first + r) * stride + size_t(p) * kPanelRows);
      }
    }
  });
  const ProductRows made = multiplier_.Prepare(gated, up.outputs(), rows, NeedsDigits({w.down}));
  AddProduct(*w.down, made, w, x, y);
}

void Transformer::Logits(const NormWeight& norm, float eps, const Matrices& head, int rows, const float* x,
                         float* logits) {
  const ProductRows in = multiplier_.Normalise(norm, eps, rows, x, NeedsDigits({&head}));
  const size_t outputs = size_t(Outputs(head));
  const std::vector<Product> products = ProductsOf({&head});
  multiplier_.Multiply(products, in, [&](const Product& product, int panel, int first, int n, const float* tile, int) {
    const int valid = std::min(kPanelRows, product.matrix->outputs() - panel * kPanelRows);
    for (int r = 0; r < n; ++r) {
      CopyOutputs(tile + r * kPanelRows, valid,
                  logits + size_t(first + r) * outputs + size_t(product.offset + panel * kPanelRows));
    }
  });
}

void Transformer::Best(const NormWeight& norm, float eps, const Matrices& head, int rows, const float* x,
                       int32_t* best) {
  const ProductRows in = multiplier_.Normalise(norm, eps, rows, x, NeedsDigits({&head}));
  const std::vector<Product> products = ProductsOf({&head});
  struct Candidate {
    float value = -std::numeric_limits<float>::infinity();
    int32_t index = -1;

    void Meet(const Candidate& other) {
      if (other.value > value || (other.value == value && other.index < index)) *this = other;
    }
  };
  // Outputs are compared while they are in reach: logits are never stored. Of equal ones the lower is taken, in
  // whatever order a thread meets them.
  std::vector<Candidate> candidates(size_t(pool_.threads()) * size_t(rows));
  multiplier_.Multiply(products, in,
                       [&](const Product& product, int panel, int first, int n, const float* tile, int thread) {
                         const int valid = std::min(kPanelRows, product.matrix->outputs() - panel * kPanelRows);
                         Candidate* mine = candidates.data() + size_t(thread) * size_t(rows) + first;
                         for (int r = 0; r < n; ++r, tile += kPanelRows) {
                           bool any = false;
                           for (int i = 0; i < kPanelRows; ++i) any |= tile[i] >= mine[r].value;
                           if (!any) continue;
                           for (int i = 0; i < valid; ++i)
                             mine[r].Meet({tile[i], product.offset + panel * kPanelRows + i});
                         }
                       });
  for (int r = 0; r < rows; ++r) {
    Candidate all;
    for (int t = 0; t < pool_.threads(); ++t) {
      all.Meet(candidates[size_t(t) * size_t(rows) + size_t(r)]);
    }
    best[r] = std::isfinite(all.value) ? all.index : -1;
  }
}

}  // namespace resident::kernels
