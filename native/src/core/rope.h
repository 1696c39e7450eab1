#pragma once
#include <vector>

#include "core/config.h"

namespace resident {

/**
 * What a rotary embedding needs in addition to positions. It rotates the first `dims` dimensions of a head. With
 * `wavelengths` empty: angle = position * scale * theta^(-2i/dims); otherwise angle = position / wavelengths[i],
 * i < dims / 2, where an infinite one does not turn. What is rotated is multiplied by `magnitude` first.
 */
struct RopeTable {
  int dims = 0;
  float theta = 10000;
  float scale = 1;
  float magnitude = 1;
  bool traditional = false;
  std::vector<float> wavelengths;
};

/**
 * Llama 3: frequencies below the original context's are divided by `factor`, those above a second border stay, between
 * them is a linear blend. YaRN (arXiv 2309.00071): the same idea with borders given in rotations, and a magnitude.
 * LongRoPE (arXiv 2402.13753): a factor for each frequency, and a magnitude. Proportional (Gemma 4): the frequencies of
 * the whole head, of which the slow ones do not turn. All as mlx_lm computes them (rope_utils.py), in double precision.
 */
RopeTable MakeRopeTable(const RopeConfig& rope, int head_dim);

/** Queries are multiplied by 1 + beta ln(1 + ⌊position / tokens⌋), as Llama 4's; beta 0: they are not. */
struct PositionScale {
  float beta = 0;
  int tokens = 1;
};

}  // namespace resident
