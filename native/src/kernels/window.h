#pragma once

namespace resident::kernels {

/** The first token that a row at `position` sees of a window of so many tokens, its own included; 0: all. */
constexpr int FirstKey(int position, int window) {
  return window == 0 || position < window ? 0 : position + 1 - window;
}

}  // namespace resident::kernels
