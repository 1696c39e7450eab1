#include "kernels/rotary.h"

#include "kernels/scalar_math.h"

namespace resident::kernels {

Rotary::Rotary(const RopeTable& table, int head_dim)
    : head_dim_(head_dim), traditional_(table.traditional), magnitude_(table.magnitude) {
  for (int i = 0; i < head_dim / 2; ++i) {
    frequencies_.push_back(table.wavelengths.empty()
                               ? double(table.scale) / PowDouble(double(table.theta), 2.0 * i / head_dim)
                               : 1 / double(table.wavelengths[size_t(i)]));
  }
}

void Rotary::Reserve(int end) {
  const size_t half = frequencies_.size(), made = half == 0 ? size_t(end) : cosines_.size() / half;
  if (made >= size_t(end)) return;
  cosines_.resize(size_t(end) * half);
  sines_.resize(size_t(end) * half);
  for (size_t position = made; position < size_t(end); ++position) {
    for (size_t i = 0; i < half; ++i) {
      double sine = 0, cosine = 1;
      SinCosDouble(double(position) * frequencies_[i], sine, cosine);
      cosines_[position * half + i] = float(cosine);
      sines_[position * half + i] = float(sine);
    }
  }
}

}  // namespace resident::kernels
