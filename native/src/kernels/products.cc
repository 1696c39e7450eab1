#include "kernels/products.h"

namespace resident::kernels {
namespace {

/** Multiplications that one chunk of a product should have: about 30 µs, without tiles and with them. */
constexpr double kChunkProducts = 1.5e6, kTileChunkProducts = 4.5e6;
/** Chunks that each thread should find at least, so that an uneven one does not decide. */
constexpr int kChunksAThread = 8;

}  // namespace

int Outputs(const Matrices& matrices) {
  int outputs = 0;
  for (const PackedMatrix& matrix : matrices) outputs += matrix.outputs();
  return outputs;
}

bool NeedsDigits(std::initializer_list<const Matrices*> all) {
  return std::any_of(all.begin(), all.end(), [](const Matrices* matrices) {
    return std::any_of(matrices->begin(), matrices->end(), [](const PackedMatrix& m) { return m.quantised(); });
  });
}

NormWeight::NormWeight(std::span<const float> values)
    : features(int(values.size())), weight(size_t(PaddedDim(int(values.size()))), 0.f) {
  std::copy(values.begin(), values.end(), weight.begin());
}

std::vector<Product> ProductsOf(std::initializer_list<const Matrices*> all) {
  std::vector<Product> products;
  int offset = 0;
  for (const Matrices* matrices : all) {
    for (const PackedMatrix& matrix : *matrices) {
      products.push_back({&matrix, offset});
      offset += matrix.outputs();
    }
  }
  return products;
}

ProductRows Multiplier::Normalise(const NormWeight& norm, float eps, int rows, const float* x, bool digits) {
  const size_t stride = norm.weight.size();
  float* y = normed_.ReserveFloats(size_t(rows) * stride);
  if (digits) digits_.Reserve(rows, int(stride) / kDigitGroup);
  ForRows(rows, [&](int first, int end) {
    for (int r = first; r < end; ++r) {
      float* row = y + size_t(r) * stride;
      table_.rms_norm(x + size_t(r) * stride, norm.weight.data(), norm.features, eps, row);
      if (digits) digits_.Quantise(row, r);
    }
  });
  return {y, stride, digits ? digits_.rows() : DigitRows{}, rows};
}

ProductRows Multiplier::Prepare(const float* x, int features, int rows, bool digits) {
  const size_t stride = size_t(PaddedDim(features));
  if (!digits) return {x, stride, {}, rows};
  digits_.Reserve(rows, features / kDigitGroup);
  ForRows(rows, [&](int first, int end) {
    for (int r = first; r < end; ++r) digits_.Quantise(x + size_t(r) * stride, r);
  });
  return {x, stride, digits_.rows(), rows};
}

void Multiplier::MultiplyPanels(const PackedMatrix& matrix, int begin, int end, const ProductRows& in, int first,
                                int rows, float* y) const {
  const size_t stride = PanelStride(rows);
  if (matrix.quantised()) {
    table_.quantised_panels(matrix.format(), reinterpret_cast<const uint8_t*>(matrix.Panel(begin)),
                            matrix.panel_bytes(), end - begin, in.digits.From(first), rows, y);
  } else if (matrix.coded()) {
    for (int p = begin; p < end; ++p) {
      table_.coded_panel(matrix.coded_format(), reinterpret_cast<const uint8_t*>(matrix.Panel(p)), matrix.inputs(),
                         in.x + size_t(first) * in.stride, in.stride, rows, y + size_t(p - begin) * stride, kPanelRows);
    }
  } else {
    for (int p = begin; p < end; ++p) {
      table_.float_panel(matrix.float_type(), matrix.Panel(p), matrix.padded_inputs(), in.x + size_t(first) * in.stride,
                         in.stride, rows, y + size_t(p - begin) * stride, kPanelRows);
    }
  }
  const float* bias = matrix.bias();
  if (bias == nullptr) return;
  for (int p = begin; p < end; ++p) {
    float* at = y + size_t(p - begin) * stride;
    for (int i = 0; i < rows * kPanelRows; ++i) at[i] += bias[p * kPanelRows + i % kPanelRows];
  }
}

int Multiplier::PanelsAChunk(int panels, int inputs, int rows) const {
  const double products = double(inputs) * kPanelRows * std::min(rows, kBlockRows);
  const int share = panels * CeilDiv(rows, kBlockRows) / (pool_.threads() * kChunksAThread);
  const int most = std::clamp(share, 1, kMostChunkPanels);
  return std::clamp(int((table_.takes_pairs ? kTileChunkProducts : kChunkProducts) / products), 1, most);
}

}  // namespace resident::kernels
