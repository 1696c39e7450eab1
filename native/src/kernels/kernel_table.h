#pragma once
#include <cstddef>
#include <cstdint>

#include "kernels/level.h"
#include "kernels/quantised_head.h"
#include "kernels/window.h"

namespace resident::kernels {

/** Outputs of a matrix are kept in panels of this many, side by side; reductions use as many virtual lanes. */
constexpr int kPanelRows = 16;
/** Inputs that share one exponent when they are made integers. */
constexpr int kDigitGroup = 32;
/** Signed base-256 digits of one input. */
constexpr int kDigits = 3;
constexpr int kDigitBytes = kDigits * kDigitGroup;
/**
 * The same inputs as two numbers of 12 bits, each in two parts, for levels that `takes_pairs`: whole tiles of 16 rows,
 * each [group][row][upper, lower][2][32] with d0 * 65536 + d1 * 256 + d2 = (16 a + b) * 4096 + 16 c + d.
 */
constexpr int kPairRows = 16;
constexpr int kPairBytes = 2 * kDigitGroup;
constexpr int kPairRowBytes = 2 * kPairBytes, kPairGroupBytes = kPairRows * kPairRowBytes;
constexpr size_t PairTileBytes(int groups) { return size_t(groups) * kPairGroupBytes; }
/** Where the pairs of a row begin. */
constexpr size_t PairOffset(int row, int groups) {
  return size_t(row / kPairRows) * PairTileBytes(groups) + size_t(row % kPairRows) * kPairRowBytes;
}
/** Digits, scales and sums can be read for a multiple of so many rows, whatever they are beyond the last one. */
constexpr int kReadableRows = kPairRows;
/** Floats of one panel's products of `rows` rows: whole tiles where there are several. */
constexpr size_t PanelStride(int rows) {
  return size_t(rows <= kPairRows ? rows : (rows + kPairRows - 1) / kPairRows * kPairRows) * kPanelRows;
}

/** Element types of un-quantised weights, of scales and of K and V; kQ8 is one of K and V alone (quantised_head.h). */
enum class FloatType { kF32, kF16, kBF16, kQ8 };
/** Of a float: kQ8 has no size of its own. */
constexpr size_t SizeOf(FloatType type) { return type == FloatType::kF32 ? 4 : 2; }

/**
 * One row of inputs as integers, group by group: x ≈ scale * (d0 * 65536 + d1 * 256 + d2), |x / scale| ≤ 2^22. `sums`
 * are the sums of the group's inputs as they were rounded.
 */
struct DigitRows {
  const int8_t* digits;  // [row][group][3][32]
  const int8_t* pairs;   // tiles, or nullptr
  const float* scales;   // [group][row], groups `stride` apart: several rows of one group are read together
  const float* sums;     // the same
  size_t stride;
  int groups;  // a row's

  /** What begins with `row`, a multiple of 16. */
  DigitRows From(int row) const {
    return {digits + size_t(row) * size_t(groups) * kDigitBytes,
            pairs == nullptr ? nullptr : pairs + PairOffset(row, groups),
            scales + row,
            sums + row,
            stride,
            groups};
  }
};

/** How the panels of a matrix of integers are laid out (packed_matrix.h). */
struct PanelFormat {
  int bits;            // 2, 3, 4, 5, 6 or 8
  int digit_groups;    // of 32 inputs, a row's
  int groups_a_scale;  // digit groups that share a scale: 1, 2 or 4
  FloatType scale_type;
};

/**
 * How the panels of a matrix of short floats are laid out (packed_matrix.h). With 4 bits a code is E2M1, with 8 bits
 * E4M3, in which all codes are numbers (OCP Microscaling Formats 1.0; MLX reads E4M3's NaN as 480).
 */
struct CodedFormat {
  int bits;          // 4 or 8
  int scale_inputs;  // that share a scale: 16 or 32
  FloatType scale_type;
};

/**
 * K or V of one layer, as the kernels read it. K: [block][kvHead][dim][token], V: [block][kvHead][token][dim]; kQ8 as
 * QuantisedLayout says.
 */
struct CacheView {
  const void* k;
  const void* v;
  FloatType type;
  int kv_heads;
  int head_dim;
  int block_tokens;
};

/** Keys are taken in tiles, and tiles in splits, by their absolute position: results cannot depend on a chunk. */
constexpr int kTileKeys = 64;
constexpr int kSplitKeys = 256;
/** Rows (positions times query heads of one K/V head) that one unit of attention computes at most. */
constexpr int kUnitRows = 96;
constexpr int kMaxHeadDim = 1024;

/** Some positions of one sequence and some query heads of one K/V head, over a range of key splits. */
struct AttendUnit {
  const CacheView* cache;
  const int32_t* table;  // the sequence's block ids
  int kv_head;
  int first_position;  // of the first row
  int positions;
  int heads;             // query heads, ≤ kUnitRows / positions
  const float* queries;  // of the first position and head, rotated and not scaled
  size_t query_stride;   // floats from one position's to the next
  float scale;
  int window;  // tokens that a row sees, its own included; 0: all
  int first_split, end_split;
  /** Where every split is covered: the results, else nullptr and `partial` gets every split's state. */
  float* out;
  size_t out_stride;
  float* partial;          // [split][row][16 + padded dim]: largest score, sum, 14 unused, output not divided yet
  float* scratch;          // AttendScratchFloats
  const AttendUnit* next;  // that this thread is likely to be given next, or nullptr: its memory is asked for
};

constexpr int PaddedDim(int head_dim) { return (head_dim + kPanelRows - 1) / kPanelRows * kPanelRows; }
constexpr size_t PartialFloats(int head_dim) { return size_t(kPanelRows) + size_t(PaddedDim(head_dim)); }
constexpr size_t AttendScratchFloats(int head_dim) {
  const size_t dim = size_t(PaddedDim(head_dim));
  return size_t(kUnitRows) * (dim + kTileKeys + 2 * PartialFloats(head_dim)) + 2 * kTileKeys * dim +
         size_t(kTileKeys * CacheGroups(head_dim)) + 64;
}

/** The kernels of one level. Pointers need no alignment; rows are padded to 16 floats where `padded` says so. */
struct KernelTable {
  Level level;
  /** `quantise` writes pairs, and `quantised_panels` reads them. */
  bool takes_pairs;

  /**
   * [groups * 32] floats as integers; `pairs` may be nullptr unless `takes_pairs`, scales and sums are `stride` apart.
   * What holds a value that is no finite number becomes NaN as a whole group.
   */
  void (*quantise)(const float* x, int groups, int8_t* digits, int8_t* pairs, float* scales, float* sums,
                   size_t stride);
  /**
   * 16 outputs of `rows` rows for each of some panels that are `panel_bytes` apart: y[panel][row][16], panels
   * PanelStride(rows) floats apart, of which those beyond `rows` are scratch.
   */
  void (*quantised_panels)(const PanelFormat& format, const uint8_t* panel, size_t panel_bytes, int panels,
                           const DigitRows& x, int rows, float* y);
  /** To be called on a thread that has multiplied some panels, before it does something else. */
  void (*end_panels)();
  /** y[row * stride + 0…15] for a panel [inputs][16] of floats; `inputs` is a multiple of 16. */
  void (*float_panel)(FloatType type, const void* panel, int inputs, const float* x, size_t x_stride, int rows,
                      float* y, size_t y_stride);
  /** The same for a panel of codes; `inputs` is a multiple of `scale_inputs`. */
  void (*coded_panel)(const CodedFormat& format, const uint8_t* panel, int inputs, const float* x, size_t x_stride,
                      int rows, float* y, size_t y_stride);
  /** y = x / sqrt(mean(x²) + eps) * weight; n elements, all padded with zeros to 16. */
  void (*rms_norm)(const float* x, const float* weight, int n, float eps, float* y);
  /** Halves a and b of a head: (a cos − b sin, b cos + a sin), in place. */
  void (*rotate_halves)(float* head, int half, const float* cosines, const float* sines);
  void (*silu_multiply)(const float* gate, const float* up, int n, float* y);  // padded
  /** GELU's tanh approximation of gate, times up. */
  void (*gelu_multiply)(const float* gate, const float* up, int n, float* y);  // padded
  void (*attend)(const AttendUnit& unit);
  /** Joins the states of `splits` splits that are `split_stride` floats apart; one row. */
  void (*join_splits)(const float* partial, size_t split_stride, int splits, int head_dim, float* out);
  /** y = exp(scale * (x − largest)) of n elements that need no padding. */
  void (*exp_weights)(const float* x, int n, float largest, float scale, float* y);
  /** `dim` floats as so many bytes and CacheGroups(dim) scales in f16; a short last group is one of its own. */
  void (*quantise_head)(const float* x, int dim, int8_t* values, uint16_t* scales);
};

/** The table of a level that CanRun. */
const KernelTable& TableOf(Level level);

}  // namespace resident::kernels
