#pragma once
#include "kernels/buffer.h"
#include "kernels/kernel_table.h"

namespace resident::kernels {

/** Where floats become the integers of DigitRows, each row on any thread. */
class DigitBuffer {
 public:
  explicit DigitBuffer(const KernelTable& table) : table_(table) {}

  /** Room for `rows` rows of `groups` groups; what was there is lost. Throws std::bad_alloc. */
  void Reserve(int rows, int groups);
  /** The floats at `x` become those of `row`. */
  void Quantise(const float* x, int row) const;
  DigitRows rows() const;
  size_t bytes() const { return digits_.bytes() + pairs_.bytes() + scales_.bytes() + sums_.bytes(); }

 private:
  template <typename T>
  static T* As(const Buffer& buffer) {
    return reinterpret_cast<T*>(const_cast<std::byte*>(buffer.data()));
  }

  const KernelTable& table_;
  Buffer digits_, pairs_, scales_, sums_;
  int rows_ = 0, groups_ = 0;
};

}  // namespace resident::kernels
