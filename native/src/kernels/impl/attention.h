// Paged attention with an online softmax (Milakov and Gimelshein 2018, arXiv 1805.02867; tiles as FlashAttention-2,
// arXiv 2307.08691). Included inside the level's namespace, after rows.h.
//
// A row's result is made of the same operations in the same order whatever else is computed together with it: scores
// add dimensions in order, outputs add keys in order, tiles and splits are cut at absolute positions.

namespace {

/** Values as they are stored in the cache. */
struct Half {
  uint16_t bits;
};
struct Brain {
  uint16_t bits;
};
RESIDENT_INLINE F LoadValues(const float* p) { return Load(p); }
RESIDENT_INLINE F LoadValues(const Half* p) { return LoadHalf(&p->bits); }
RESIDENT_INLINE F LoadValues(const Brain* p) { return LoadBrain(&p->bits); }
RESIDENT_INLINE F LoadValues(const int8_t* p) { return LoadSigned(p); }

/** A tile's keys and values: K [dim][k_stride], V [token][head_dim]. */
template <typename Value>
struct Tile {
  const Value* k;
  size_t k_stride;
  const Value* v;
};

/**
 * Values that are no floats are converted for every 6 rows anew, in place. On AVX2 that was faster for any number
 * of rows than floats made once; with 16 lanes conversions take the units that multiply, so that floats are made where
 * there are many rows.
 */
constexpr int kMostRowsInPlace = kLanes == 8 ? kUnitRows : 12;

/** Rows whose sums fit the registers. */
constexpr int kRowsAtOnce = 6;

/**
 * The tile after this one: lines of K are asked for while this tile's dimensions are scored, and those of V while its
 * tokens are mixed, a part of them by each group of rows.
 */
struct NextTile {
  const char *k = nullptr, *v = nullptr;
  size_t k_stride = 0, v_stride = 0;  // bytes from one row to the next
  int k_bytes = 0;                    // of a row
  int k_rows = 0;
  int shift = 0;  // 2^shift groups of rows ask

  /** What the rows from `row` on ask for. */
  RESIDENT_INLINE NextTile PartOf(int row) const {
    const int group = row / kRowsAtOnce;
    if (k == nullptr || row % kRowsAtOnce != 0 || group >= 1 << shift) return {};
    NextTile part = *this;
    part.k += size_t(group * (k_rows >> shift)) * k_stride;
    part.v += size_t(group * (kTileKeys >> shift)) * v_stride;
    return part;
  }
  RESIDENT_INLINE bool IsTurn(int i) const { return (i & ((1 << shift) - 1)) == 0; }
  RESIDENT_INLINE void PrefetchKeys(int dim) const {
    if (k == nullptr || !IsTurn(dim)) return;
    for (int i = 0; i < k_bytes; i += 64) PrefetchLine(k + size_t(dim >> shift) * k_stride + i);
  }
  RESIDENT_INLINE void PrefetchValues(int key) const {
    if (v == nullptr || !IsTurn(key)) return;
    for (size_t i = 0; i < v_stride; i += 64) PrefetchLine(v + size_t(key >> shift) * v_stride + i);
  }
};

/** What the rows of a unit have gathered: largest score, sum of exponentials, outputs not divided yet. */
struct RowState {
  float* at;
  size_t stride;
  RESIDENT_INLINE float& Largest(int row) const { return at[size_t(row) * stride]; }
  RESIDENT_INLINE float& Sum(int row) const { return at[size_t(row) * stride + 1]; }
  RESIDENT_INLINE float* Output(int row) const { return at + size_t(row) * stride + kPanelRows; }
};

RESIDENT_INLINE void Widen(FloatType type, const void* from, size_t at, int count, float* to) {
  const auto* floats = static_cast<const float*>(from) + at;
  const auto* halves = static_cast<const uint16_t*>(from) + at;
  int i = 0;
  if (type == FloatType::kF32) {
    for (; i < count; ++i) to[i] = floats[i];
    return;
  }
  for (; i + kLanes <= count; i += kLanes) {
    Store(to + i, type == FloatType::kF16 ? LoadHalf(halves + i) : LoadBrain(halves + i));
  }
  for (; i < count; ++i) {
    uint16_t lanes[kLanes] = {halves[i]};
    float wide[kLanes];
    Store(wide, type == FloatType::kF16 ? LoadHalf(lanes) : LoadBrain(lanes));
    to[i] = wide[0];
  }
}

/**
 * Keys at the beginning of a tile whose blocks have left the window of all rows, and may be anybody's: what stands in
 * for them is 0, so that a weight of 0 makes nothing of it.
 */
RESIDENT_INLINE int SkipGone(const AttendUnit& unit, int first_key, float* k_copy, float* v_copy) {
  const int tokens = unit.cache->block_tokens, dim = unit.cache->head_dim;
  const int gone = FirstKey(unit.first_position, unit.window) / tokens * tokens - first_key;
  if (gone <= 0) return 0;
  for (int d = 0; d < dim; ++d) {
    for (int i = 0; i < gone; ++i) k_copy[d * kTileKeys + i] = 0;
  }
  for (int i = 0; i < gone * dim; ++i) v_copy[i] = 0;
  return gone;
}

/** Elements before those of a block's head: K and V begin there alike. */
RESIDENT_INLINE size_t HeadAt(const AttendUnit& unit, int key) {
  const CacheView& cache = *unit.cache;
  const size_t heads = size_t(unit.table[key / cache.block_tokens]) * size_t(cache.kv_heads) + size_t(unit.kv_head);
  return heads * size_t(cache.head_dim) * size_t(cache.block_tokens);
}

/** In place: blocks are whole tiles. */
template <typename Value>
RESIDENT_INLINE void FindTile(const AttendUnit& unit, int first_key, int, float*, float*, Tile<Value>& tile) {
  const CacheView& cache = *unit.cache;
  const size_t head = HeadAt(unit, first_key), offset = size_t(first_key % cache.block_tokens);
  tile = {static_cast<const Value*>(cache.k) + head + offset, size_t(cache.block_tokens),
          static_cast<const Value*>(cache.v) + head + offset * size_t(cache.head_dim)};
}

/** A copy, in floats. */
struct CopiedTile : Tile<float> {};

/** The tile that begins at `first_key`, of which `keys` are asked for. */
RESIDENT_INLINE void FindTile(const AttendUnit& unit, int first_key, int keys, float* k_copy, float* v_copy,
                              CopiedTile& tile) {
  const CacheView& cache = *unit.cache;
  const int tokens = cache.block_tokens, dim = cache.head_dim;
  for (int done = SkipGone(unit, first_key, k_copy, v_copy); done < keys;) {
    const int key = first_key + done, offset = key % tokens;
    const int count = tokens - offset < keys - done ? tokens - offset : keys - done;
    const size_t head = HeadAt(unit, key);
    for (int d = 0; d < dim; ++d) {
      Widen(cache.type, cache.k, head + size_t(d) * size_t(tokens) + size_t(offset), count,
            k_copy + d * kTileKeys + done);
    }
    Widen(cache.type, cache.v, head + size_t(offset) * size_t(dim), count * dim, v_copy + size_t(done) * size_t(dim));
    done += count;
  }
  tile = {{k_copy, kTileKeys, v_copy}};
}

/** Scores of the first keys, in steps of whole vectors; `keys` or more. */
template <int Rows, int Vectors, typename Value>
RESIDENT_INLINE void ScoreKeys(const float* queries, size_t query_stride, int dim, const Tile<Value>& tile, int keys,
                               const NextTile& next, float* scores) {
  for (int key = 0; key < keys; key += Vectors * kLanes) {
    F sums[Rows][Vectors];
    for (int r = 0; r < Rows; ++r) {
      for (int v = 0; v < Vectors; ++v) sums[r][v] = Set(0.f);
    }
    for (int d = 0; d < dim; ++d) {
      F values[Vectors];
      if (key == 0) next.PrefetchKeys(d);
      for (int v = 0; v < Vectors; ++v) values[v] = LoadValues(tile.k + size_t(d) * tile.k_stride + key + v * kLanes);
      for (int r = 0; r < Rows; ++r) {
        const F q = Set(queries[size_t(r) * query_stride + size_t(d)]);
        for (int v = 0; v < Vectors; ++v) sums[r][v] = Fma(q, values[v], sums[r][v]);
      }
    }
    for (int r = 0; r < Rows; ++r) {
      for (int v = 0; v < Vectors; ++v) Store(scores + r * kTileKeys + key + v * kLanes, sums[r][v]);
    }
  }
}

template <int Rows, typename Value>
RESIDENT_INLINE void MixRows(const float* weights, int keys, const Tile<Value>& tile, int dim, const NextTile& next,
                             const RowState& state, int first) {
  for (int d = 0; d < PaddedDim(dim); d += kMixVectors * kLanes) {
    const int vectors = (PaddedDim(dim) - d) / kLanes < kMixVectors ? (PaddedDim(dim) - d) / kLanes : kMixVectors;
    const auto mix = [&]<int Vectors>() {
      F sums[Rows][Vectors];
      for (int r = 0; r < Rows; ++r) {
        for (int v = 0; v < Vectors; ++v) sums[r][v] = Load(state.Output(first + r) + d + v * kLanes);
      }
      for (int key = 0; key < keys; ++key) {
        F values[Vectors];
        if (d == 0) next.PrefetchValues(key);
        for (int v = 0; v < Vectors; ++v) values[v] = LoadValues(tile.v + size_t(key) * size_t(dim) + d + v * kLanes);
        for (int r = 0; r < Rows; ++r) {
          const F weight = Set(weights[r * kTileKeys + key]);
          for (int v = 0; v < Vectors; ++v) sums[r][v] = Fma(weight, values[v], sums[r][v]);
        }
      }
      for (int r = 0; r < Rows; ++r) {
        for (int v = 0; v < Vectors; ++v) Store(state.Output(first + r) + d + v * kLanes, sums[r][v]);
      }
    };
    if (vectors == kMixVectors) {
      mix.template operator()<kMixVectors>();
    } else {
      for (int v = 0; v < vectors; ++v, d += kLanes) mix.template operator()<1>();
      break;
    }
  }
}

/**
 * Scores of the tile's first `keys` keys become weights; the row's state is brought to the new largest score. The row
 * sees those from `hidden` to `visible`; what it does not see changes nothing, as if the tile had not been there.
 */
RESIDENT_INLINE void Soften(float* scores, int keys, int hidden, int visible, int padded_dim, const RowState& state,
                            int row) {
  const int end = (keys + kPanelRows - 1) / kPanelRows * kPanelRows;
  if (visible <= 0 || hidden >= keys) {
    for (int i = 0; i < end; i += kLanes) Store(scores + i, Set(0.f));
    return;
  }
  const float none = -__builtin_inff();
  for (int i = 0; i < hidden; ++i) scores[i] = none;
  for (int i = visible; i < end; ++i) scores[i] = none;
  F best[kPieces];
  for (int j = 0; j < kPieces; ++j) best[j] = Load(scores + j * kLanes);
  for (int i = kPanelRows; i < end; i += kPanelRows) {
    for (int j = 0; j < kPieces; ++j) best[j] = Max(best[j], Load(scores + i + j * kLanes));
  }
  const float before = state.Largest(row), tile_best = MaxOf16(best);
  float shrink = 1;
  if (!(tile_best <= before)) {
    state.Largest(row) = tile_best;
    shrink = ExpOne(before - tile_best);
    for (int d = 0; d < padded_dim; d += kLanes)
      Store(state.Output(row) + d, Mul(Load(state.Output(row) + d), Set(shrink)));
  }
  const F largest = Set(state.Largest(row));
  F sums[kPieces];
  for (int j = 0; j < kPieces; ++j) sums[j] = Set(0.f);
  for (int i = 0; i < end; i += kPanelRows) {
    for (int j = 0; j < kPieces; ++j) {
      float* at = scores + i + j * kLanes;
      const F weight = Exp(Sub(Load(at), largest));
      Store(at, weight);
      sums[j] = Add(sums[j], weight);
    }
  }
  state.Sum(row) = __builtin_fmaf(state.Sum(row), shrink, SumOf16(sums));
}

RESIDENT_INLINE void ClearState(const RowState& state, int rows, int padded_dim) {
  for (int r = 0; r < rows; ++r) {
    state.Largest(r) = -__builtin_inff();
    state.Sum(r) = 0;
    for (int d = 0; d < padded_dim; d += kLanes) Store(state.Output(r) + d, Set(0.f));
  }
}

RESIDENT_INLINE void CopyRow(const float* from, float* to, int padded_dim) {
  to[0] = from[0];
  to[1] = from[1];
  for (int d = kPanelRows; d < kPanelRows + padded_dim; d += kLanes) Store(to + d, Load(from + d));
}

/** Adds the state of a later split to a row's. */
RESIDENT_INLINE void JoinRow(const float* part, float* whole, int padded_dim) {
  const float largest = whole[0] < part[0] ? part[0] : whole[0];
  const float keep = ExpOne(whole[0] - largest), take = ExpOne(part[0] - largest);
  whole[1] = __builtin_fmaf(whole[1], keep, part[1] * take);
  whole[0] = largest;
  for (int d = kPanelRows; d < kPanelRows + padded_dim; d += kLanes) {
    Store(whole + d, Fma(Load(whole + d), Set(keep), Mul(Load(part + d), Set(take))));
  }
}

RESIDENT_INLINE void WriteRow(const float* state, int dim, float* out) {
  const float sum = state[1];
  int d = 0;
  for (; d + kLanes <= dim; d += kLanes) Store(out + d, Div(Load(state + kPanelRows + d), Set(sum)));
  for (; d < dim; ++d) out[d] = state[kPanelRows + d] / sum;
}

}  // namespace
#include "kernels/impl/quantised_tile.h"
namespace {

/** Key of the first tile of a split that the unit sees. */
RESIDENT_INLINE int FirstTile(const AttendUnit& unit, int split) {
  const int seen = FirstKey(unit.first_position, unit.window) / kTileKeys * kTileKeys;
  return split * kSplitKeys < seen ? seen : split * kSplitKeys;
}

template <int Rows, typename AnyTile>
RESIDENT_INLINE void ScoreRows(const float* queries, size_t query_stride, int dim, const AnyTile& tile, int keys,
                               const NextTile& next, float* scores) {
  constexpr int kFew = kScoreVectors < 2 ? kScoreVectors : 2;
  if (keys <= kFew * kLanes) return ScoreKeys<Rows, kFew>(queries, query_stride, dim, tile, keys, next, scores);
  ScoreKeys<Rows, kScoreVectors>(queries, query_stride, dim, tile, keys, next, scores);
}

/** Where the unit's tile at `first_key` is, to be asked for by `groups` groups of rows. */
RESIDENT_INLINE NextTile PlaceOf(const AttendUnit& unit, int first_key, int groups) {
  const CacheView& cache = *unit.cache;
  const size_t tokens = size_t(cache.block_tokens), dim = size_t(cache.head_dim);
  const bool bytes = cache.type == FloatType::kQ8;
  const size_t size = bytes ? 1 : SizeOf(cache.type), offset = size_t(first_key) % tokens;
  const size_t head = bytes ? LayoutOf(cache).Values(unit.table[size_t(first_key) / tokens], unit.kv_head)
                            : HeadAt(unit, first_key) * size;
  return {.k = static_cast<const char*>(cache.k) + head + offset * size,
          .v = static_cast<const char*>(cache.v) + head + offset * dim * size,
          .k_stride = tokens * size,
          .v_stride = dim * size,
          .k_bytes = kTileKeys * int(size),
          .k_rows = cache.head_dim,
          .shift = groups < 2 ? 0 : 31 - __builtin_clz(unsigned(groups))};
}

/** What to ask for while the tile before `first_key` is computed; nothing where it is not worth it. */
RESIDENT_INLINE NextTile FindNext(const AttendUnit& unit, int first_key) {
  const CacheView& cache = *unit.cache;
  const int rows = unit.positions * unit.heads, groups = rows / kRowsAtOnce;
  if (cache.block_tokens % kTileKeys != 0) return {};
  if (first_key < unit.first_position + unit.positions) {
    const bool comes_anyway = !kAsksForFloats && cache.type == FloatType::kF32 && groups < 2;
    return comes_anyway ? NextTile{} : PlaceOf(unit, first_key, groups);
  }
  if (unit.next == nullptr) return {};
  return PlaceOf(*unit.next, FirstTile(*unit.next, unit.next->first_split), groups);
}

/** All tiles of one split, for all rows of the unit. */
template <typename AnyTile>
void AttendTiles(const AttendUnit& unit, int split, const float* queries, float* scores, float* k_copy, float* v_copy,
                 const RowState& state) {
  const int dim = unit.cache->head_dim, padded = PaddedDim(dim), rows = unit.positions * unit.heads;
  const int last_position = unit.first_position + unit.positions - 1;
  ClearState(state, rows, padded);
  for (int key = FirstTile(unit, split); key < (split + 1) * kSplitKeys && key <= last_position; key += kTileKeys) {
    const int keys = last_position + 1 - key < kTileKeys ? last_position + 1 - key : kTileKeys;
    const NextTile next = FindNext(unit, key + kTileKeys);
    AnyTile tile;
    FindTile(unit, key, keys, k_copy, v_copy, tile);
    int r = 0;
    const auto score = [&]<int Rows>() {
      ScoreRows<Rows>(queries + size_t(r) * size_t(padded), size_t(padded), dim, tile, keys, next.PartOf(r),
                      scores + r * kTileKeys);
      r += Rows;
    };
    while (rows - r >= kRowsAtOnce) score.template operator()<kRowsAtOnce>();
    while (rows - r >= 3) score.template operator()<3>();
    while (rows - r >= 1) score.template operator()<1>();
    for (r = 0; r < rows; ++r) {
      const int position = unit.first_position + r / unit.heads;
      Soften(scores + r * kTileKeys, keys, FirstKey(position, unit.window) - key, position + 1 - key, padded, state, r);
    }
    r = 0;
    const auto mix = [&]<int Rows>() {
      MixRows<Rows>(scores + r * kTileKeys, keys, tile, dim, next.PartOf(r), state, r);
      r += Rows;
    };
    while (rows - r >= kRowsAtOnce) mix.template operator()<kRowsAtOnce>();
    while (rows - r >= 3) mix.template operator()<3>();
    while (rows - r >= 1) mix.template operator()<1>();
  }
}

RESIDENT_INLINE void AttendSplit(const AttendUnit& unit, int split, const float* queries, float* scores, float* k_copy,
                                 float* v_copy, const RowState& state) {
  const bool whole = unit.cache->block_tokens % kTileKeys == 0;
  const bool few = whole && unit.positions * unit.heads <= kMostRowsInPlace;
  const auto as = [&]<typename InPlace, typename AsCopy>(bool in_place) __attribute__((always_inline)) {
    if (in_place) return AttendTiles<InPlace>(unit, split, queries, scores, k_copy, v_copy, state);
    AttendTiles<AsCopy>(unit, split, queries, scores, k_copy, v_copy, state);
  };
  switch (unit.cache->type) {
    case FloatType::kF32:
      return as.template operator()<Tile<float>, CopiedTile>(whole);
    case FloatType::kF16:
      return as.template operator()<Tile<Half>, CopiedTile>(few);
    case FloatType::kBF16:
      return as.template operator()<Tile<Brain>, CopiedTile>(few);
    case FloatType::kQ8:
      return as.template operator()<QuantisedTile<int8_t>, QuantisedTile<float>>(few);
  }
}

void Attend(const AttendUnit& unit) {
  const int dim = unit.cache->head_dim, padded = PaddedDim(dim), rows = unit.positions * unit.heads;
  const size_t state_floats = PartialFloats(dim);
  float* queries = unit.scratch;
  float* scores = queries + size_t(kUnitRows) * size_t(padded);
  float* k_copy = scores + size_t(kUnitRows) * kTileKeys;
  float* v_copy = k_copy + size_t(kTileKeys) * size_t(padded);
  float* scale_copy = v_copy + size_t(kTileKeys) * size_t(padded) + kPanelRows;
  const RowState part{scale_copy + kTileKeys * CacheGroups(dim), state_floats};
  const RowState whole{part.at + size_t(kUnitRows) * state_floats, state_floats};
  for (int r = 0; r < rows; ++r) {
    const float* from =
        unit.queries + size_t(r / unit.heads) * unit.query_stride + size_t(r % unit.heads) * size_t(dim);
    for (int d = 0; d < dim; ++d) queries[size_t(r) * size_t(padded) + size_t(d)] = from[d] * unit.scale;
  }
  for (int split = unit.first_split; split < unit.end_split; ++split) {
    const bool first = split == unit.first_split;
    if (unit.out == nullptr) {
      const RowState own{unit.partial + size_t(split - unit.first_split) * size_t(rows) * state_floats, state_floats};
      AttendSplit(unit, split, queries, scores, k_copy, v_copy, own);
      continue;
    }
    AttendSplit(unit, split, queries, scores, k_copy, v_copy, first ? whole : part);
    if (first) continue;
    for (int r = 0; r < rows; ++r) {
      // A row joins the splits from its first to its last, as when it is computed alone.
      const int position = unit.first_position + r / unit.heads;
      const int first_seen = FirstKey(position, unit.window) / kSplitKeys;
      const float* from = part.at + size_t(r) * state_floats;
      float* to = whole.at + size_t(r) * state_floats;
      if (split == first_seen) {
        CopyRow(from, to, padded);
      } else if (split > first_seen && position >= split * kSplitKeys) {
        JoinRow(from, to, padded);
      }
    }
  }
  if (unit.out == nullptr) return;
  for (int r = 0; r < rows; ++r) {
    float* to = unit.out + size_t(r / unit.heads) * unit.out_stride + size_t(r % unit.heads) * size_t(dim);
    WriteRow(whole.at + size_t(r) * state_floats, dim, to);
  }
}

void JoinSplits(const float* partial, size_t split_stride, int splits, int head_dim, float* out) {
  float whole[kPanelRows + kMaxHeadDim];
  const int padded = PaddedDim(head_dim);
  for (int i = 0; i < kPanelRows + padded; i += kLanes) Store(whole + i, Load(partial + i));
  for (int s = 1; s < splits; ++s) JoinRow(partial + size_t(s) * split_stride, whole, padded);
  WriteRow(whole, head_dim, out);
}

}  // namespace
