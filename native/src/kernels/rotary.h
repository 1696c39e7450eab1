#pragma once
#include <span>
#include <vector>

#include "core/rope.h"

namespace resident::kernels {

/**
 * Cosines and sines of a rotary embedding by position, made in pages on first use and kept: a first row far behind
 * others costs one page. Angles are computed in double precision, so they are right at any position. Lives on one
 * thread.
 */
class Rotary {
 public:
  Rotary(const RopeTable& table, int head_dim);

  int head_dim() const { return head_dim_; }
  bool traditional() const { return traditional_; }
  float magnitude() const { return magnitude_; }
  /** Makes the pages of the positions first … end − 1, as far as they are not there. */
  void Reserve(int first, int end);
  /** headDim / 2 numbers of a position that was reserved. */
  const float* Cosines(int position) const { return At(position, 0); }
  const float* Sines(int position) const { return At(position, 1); }
  /** Pages that were made. */
  int pages() const { return made_; }

  static constexpr int kPagePositions = 64;

 private:
  const float* At(int position, size_t part) const {
    const size_t row = part * kPagePositions + size_t(position % kPagePositions);
    return pages_[size_t(position / kPagePositions)].data() + row * frequencies_.size();
  }
  std::vector<float> MakePage(int first_position) const;

  int head_dim_;
  bool traditional_;
  float magnitude_;
  std::vector<double> frequencies_;        // radians a position
  std::vector<std::vector<float>> pages_;  // [cosines, sines][position in the page][headDim / 2]; empty: not made
  int made_ = 0;
};

}  // namespace resident::kernels
