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
  /** A table of 0 dimensions rotates the whole head. */
  Rotary(const RopeTable& table, int head_dim);

  /** Pairs of dimensions that turn, the first ones of a head. */
  int pairs() const { return int(frequencies_.size()); }
  bool traditional() const { return traditional_; }
  float magnitude() const { return magnitude_; }
  /** Makes the pages of the positions first … end − 1, as far as they are not there. */
  void Reserve(int first, int end);
  /** `pairs` numbers of a position that was reserved. */
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

  bool traditional_;
  float magnitude_;
  std::vector<double> frequencies_;        // radians a position
  std::vector<std::vector<float>> pages_;  // [cosines, sines][position in the page][pairs]; empty: not made
  int made_ = 0;
};

/** What queries of a position are multiplied by: the same bits on every platform. */
float PositionFactor(const PositionScale& scale, int position);

}  // namespace resident::kernels
