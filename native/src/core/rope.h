#pragma once
#include <vector>

#include "core/config.h"

namespace resident {

/**
 * What a rotary embedding needs beside positions. With `wavelengths` empty: angle = position * scale * theta^(-2i/d);
 * otherwise angle = position / wavelengths[i], i < headDim / 2. Input rows are multiplied by `magnitude` first.
 */
struct RopeTable {
  float theta = 10000;
  float scale = 1;
  float magnitude = 1;
  bool traditional = false;
  std::vector<float> wavelengths;
};

/**
 * Llama 3: frequencies below the original context's are divided by `factor`, those above a second border stay, between
 * them is a linear blend. YaRN (arXiv 2309.00071): the same idea with borders given in rotations, and a magnitude.
 * Both as mlx_lm computes them (rope_utils.py), in double precision.
 */
RopeTable MakeRopeTable(const RopeConfig& rope, int head_dim);

}  // namespace resident
