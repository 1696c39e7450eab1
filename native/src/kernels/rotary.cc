#include "kernels/rotary.h"

#include "kernels/scalar_math.h"

namespace resident::kernels {

Rotary::Rotary(const RopeTable& table, int head_dim)
    : traditional_(table.traditional), magnitude_(table.magnitude) {
  const int dims = table.dims == 0 ? head_dim : table.dims;
  for (int i = 0; i < dims / 2; ++i) {
    frequencies_.push_back(table.wavelengths.empty()
                               ? double(table.scale) / PowDouble(double(table.theta), 2.0 * i / dims)
                               : 1 / double(table.wavelengths[size_t(i)]));
  }
}

void Rotary::Reserve(int first, int end) {
  const size_t from = size_t(first / kPagePositions), to = size_t((end + kPagePositions - 1) / kPagePositions);
  if (pages_.size() < to) pages_.resize(to);
  for (size_t page = from; page < to; ++page) {
    if (!pages_[page].empty()) continue;
    pages_[page] = MakePage(int(page) * kPagePositions);
    ++made_;
  }
}

std::vector<float> Rotary::MakePage(int first_position) const {
  const size_t half = frequencies_.size();
  std::vector<float> page(2 * kPagePositions * half);
  float *cosines = page.data(), *sines = cosines + kPagePositions * half;
  for (int offset = 0; offset < kPagePositions; ++offset) {
    for (const double frequency : frequencies_) {
      double sine = 0, cosine = 1;
      SinCosDouble(double(first_position + offset) * frequency, sine, cosine);
      *cosines++ = float(cosine);
      *sines++ = float(sine);
    }
  }
  return page;
}

float PositionFactor(const PositionScale& scale, int position) {
  return float(1 + double(scale.beta) * LogDouble(1.0 + double(position / scale.tokens)));
}

}  // namespace resident::kernels
