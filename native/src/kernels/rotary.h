#pragma once
#include <span>
#include <vector>

#include "core/rope.h"

namespace resident::kernels {

/**
 * Cosines and sines of a rotary embedding by position, made on first use and kept: [position][headDim / 2]. Angles are
 * computed in double precision, so they are right at any position. Lives on one thread.
 */
class Rotary {
 public:
  Rotary(const RopeTable& table, int head_dim);

  int head_dim() const { return head_dim_; }
  bool traditional() const { return traditional_; }
  float magnitude() const { return magnitude_; }
  /** Makes the tables of all positions below `end`. */
  void Reserve(int end);
  const float* Cosines(int position) const { return cosines_.data() + size_t(position) * frequencies_.size(); }
  const float* Sines(int position) const { return sines_.data() + size_t(position) * frequencies_.size(); }

 private:
  int head_dim_;
  bool traditional_;
  float magnitude_;
  std::vector<double> frequencies_;  // radians a position
  std::vector<float> cosines_, sines_;
};

}  // namespace resident::kernels
