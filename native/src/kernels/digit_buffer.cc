#include "kernels/digit_buffer.h"

namespace resident::kernels {

void DigitBuffer::Reserve(int rows, int groups) {
  rows_ = rows;
  groups_ = groups;
  const size_t count = size_t(rows) * size_t(groups);
  const size_t readable = size_t((rows + kReadableRows - 1) / kReadableRows * kReadableRows);
  digits_.Reserve(readable * size_t(groups) * kDigitBytes);
  if (table_.takes_pairs) pairs_.Reserve(readable / kPairRows * PairTileBytes(groups));
  scales_.Reserve((count + kReadableRows) * sizeof(float));
  sums_.Reserve((count + kReadableRows) * sizeof(float));
}

void DigitBuffer::Quantise(const float* x, int row) const {
  int8_t* digits = As<int8_t>(digits_) + size_t(row) * size_t(groups_) * kDigitBytes;
  int8_t* pairs = table_.takes_pairs ? As<int8_t>(pairs_) + PairOffset(row, groups_) : nullptr;
  table_.quantise(x, groups_, digits, pairs, As<float>(scales_) + row, As<float>(sums_) + row, size_t(rows_));
}

DigitRows DigitBuffer::rows() const {
  return {As<int8_t>(digits_), table_.takes_pairs ? As<int8_t>(pairs_) : nullptr,
          As<float>(scales_),  As<float>(sums_),
          size_t(rows_),       groups_};
}

}  // namespace resident::kernels
