#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/products.h"
#include "kernels/rotary.h"

namespace resident::kernels {

/** One sequence's rows of a step. */
struct SequenceRows {
  int first_row, rows;
  int start;             // position of the first row
  const int32_t* table;  // block ids in order
};

/** Where a row's K and V go. */
struct Slot {
  int32_t block, offset;
};

/** All rows of a step, sequence after sequence. */
struct Rows {
  std::vector<int32_t> positions;
  std::vector<Slot> slots;
  std::vector<SequenceRows> sequences;
  int block_tokens;
  int count() const { return int(positions.size()); }
};

struct AttentionWeights {
  const NormWeight *norm, *output_norm;  // either may be nullptr
  const Matrices *query_key, *value, *output;
  const NormWeight *query_norm, *key_norm;  // nullptr: the family has none
  Rotary* rotary;                           // nullptr: positions do not matter
  int heads, kv_heads, head_dim;
  int window;  // tokens that a row sees, its own included; 0: all
  float norm_eps, scale;
  bool joint_norms = false;  // query_norm goes over all heads together, and so does key_norm
  float residual_scale = 1;
  PositionScale position_scale = {};
};

/** K and V of one layer, to be appended to and read. */
struct LayerCache {
  void* k;
  void* v;
  FloatType type;
};

/** Query heads of one K and V head, and positions, that a unit of work takes at most. */
constexpr int UnitHeads(int heads, int kv_heads) { return std::min(heads / kv_heads, kUnitRows); }
constexpr int UnitPositions(int heads, int kv_heads) { return std::max(1, kUnitRows / UnitHeads(heads, kv_heads)); }
/** Units that each thread should find at least; where they are fewer every split is a unit of its own, with a state. */
constexpr int kUnitsAThread = 4;

/**
 * Neighbouring sequences of one row each that read the same blocks from the first one on: forks of one agent. Their
 * queries attend to `splits` whole splits together, so that K and V are read and converted once.
 */
struct SharedPrefix {
  int first, count;  // sequences
  int splits;
};

/**
 * Those of a step, in order; none where a window hides keys from some rows. At least half of each sequence's splits are
 * shared: states of all have the place of the longest one's.
 */
std::vector<SharedPrefix> SharedPrefixes(const AttentionWeights& w, const Rows& rows);

/**
 * Attention over a paged cache, between the products that make its rows and those that take its results. Lives on one
 * thread; may throw std::bad_alloc.
 */
class PagedAttention {
 public:
  explicit PagedAttention(Multiplier& multiplier) : multiplier_(multiplier), table_(multiplier.table()) {}

  /** Queries, keys and values of `count` rows, [count][stride], to be written before Attend. */
  struct QkvRows {
    float* x;
    size_t stride;
  };
  QkvRows Reserve(const AttentionWeights& weights, int count);
  /**
   * Rotates queries and keys, appends keys and values to the cache, and attends to all that the rows see: rows of
   * PaddedDim(heads * headDim) floats, valid until the next call.
   */
  const float* Attend(const AttentionWeights& weights, const Rows& rows, const LayerCache& cache);

  size_t scratch_bytes() const {
    return queries_keys_values_.bytes() + attended_.bytes() + partials_.bytes() + scratch_.bytes();
  }

 private:
  void RotateAndAppend(const AttentionWeights& w, const Rows& rows, const LayerCache& cache, int first, int end);
  static int NormWidth(const AttentionWeights& w, int heads) { return w.joint_norms ? heads * w.head_dim : w.head_dim; }
  void NormHeads(const AttentionWeights& w, int heads, const NormWeight& norm, float* at, float* scratch);
  void Rotate(const AttentionWeights& w, int position, int heads, float* at);
  std::vector<AttendUnit> UnitsOf(const AttentionWeights& w, const Rows& rows, const CacheView& view, float* out) const;
  /** Units whose first splits are computed together: that of one sequence and those of the next ones, `step` apart. */
  struct UnitGroup {
    size_t first;
    int units = 1;
    size_t step = 0;
    int shared_splits = 0;
  };
  static size_t UnitsOfRows(const AttentionWeights& w, int rows);
  void AttendSplits(std::vector<AttendUnit>& units, const std::vector<UnitGroup>& groups);
  void AttendUnits(std::vector<AttendUnit>& units);

  Multiplier& multiplier_;
  const KernelTable& table_;
  Buffer queries_keys_values_, attended_, partials_, scratch_;
  QkvRows qkv_{};
};

}  // namespace resident::kernels
