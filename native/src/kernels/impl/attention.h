// Paged attention with an online softmax (Milakov and Gimelshein 2018, arXiv 1805.02867; tiles as FlashAttention-2,
// arXiv 2307.08691). Included inside the level's namespace, after rows.h.
//
// A row's result is made of the same operations in the same order whatever else is computed beside it: scores add
// dimensions in order, outputs add keys in order, tiles and splits are cut at absolute positions.

namespace {

/** A tile's keys and values as floats: K [dim][k_stride], V [token][head_dim]. */
struct Tile {
  const float* k;
  size_t k_stride;
  const float* v;
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

/** The tile that begins at `first_key`, of which `keys` are asked for: in place where it lies as the kernels want it.
 */
RESIDENT_INLINE Tile FindTile(const AttendUnit& unit, int first_key, int keys, float* k_copy, float* v_copy) {
  const CacheView& cache = *unit.cache;
  const int tokens = cache.block_tokens, dim = cache.head_dim;
  const auto head_at = [&](int block) {
    return (size_t(unit.table[block]) * size_t(cache.kv_heads) + size_t(unit.kv_head)) * size_t(dim) * size_t(tokens);
  };
  if (tokens % kTileKeys == 0 && cache.type == FloatType::kF32) {
    const size_t head = head_at(first_key / tokens);
    const int offset = first_key % tokens;
    return {static_cast<const float*>(cache.k) + head + offset, size_t(tokens),
            static_cast<const float*>(cache.v) + head + size_t(offset) * size_t(dim)};
  }
  for (int done = 0; done < keys;) {
    const int key = first_key + done, offset = key % tokens;
    const int count = tokens - offset < keys - done ? tokens - offset : keys - done;
    const size_t head = head_at(key / tokens);
    for (int d = 0; d < dim; ++d) {
      Widen(cache.type, cache.k, head + size_t(d) * size_t(tokens) + size_t(offset), count,
            k_copy + d * kTileKeys + done);
    }
    Widen(cache.type, cache.v, head + size_t(offset) * size_t(dim), count * dim, v_copy + size_t(done) * size_t(dim));
    done += count;
  }
  return {k_copy, kTileKeys, v_copy};
}

template <int Rows>
RESIDENT_INLINE void ScoreRows(const float* queries, size_t query_stride, int dim, const Tile& tile, float* scores) {
  for (int key = 0; key < kTileKeys; key += kScoreVectors * kLanes) {
    F sums[Rows][kScoreVectors];
    for (int r = 0; r < Rows; ++r) {
      for (int v = 0; v < kScoreVectors; ++v) sums[r][v] = Set(0.f);
    }
    for (int d = 0; d < dim; ++d) {
      F keys[kScoreVectors];
      for (int v = 0; v < kScoreVectors; ++v) keys[v] = Load(tile.k + size_t(d) * tile.k_stride + key + v * kLanes);
      for (int r = 0; r < Rows; ++r) {
        const F q = Set(queries[size_t(r) * query_stride + size_t(d)]);
        for (int v = 0; v < kScoreVectors; ++v) sums[r][v] = Fma(q, keys[v], sums[r][v]);
      }
    }
    for (int r = 0; r < Rows; ++r) {
      for (int v = 0; v < kScoreVectors; ++v) Store(scores + r * kTileKeys + key + v * kLanes, sums[r][v]);
    }
  }
}

template <int Rows>
RESIDENT_INLINE void MixRows(const float* weights, int keys, const Tile& tile, int dim, const RowState& state,
                             int first) {
  for (int d = 0; d < PaddedDim(dim); d += kMixVectors * kLanes) {
    F sums[Rows][kMixVectors];
    const int vectors = (PaddedDim(dim) - d) / kLanes < kMixVectors ? (PaddedDim(dim) - d) / kLanes : kMixVectors;
    const auto mix = [&]<int Vectors>() {
      for (int r = 0; r < Rows; ++r) {
        for (int v = 0; v < Vectors; ++v) sums[r][v] = Load(state.Output(first + r) + d + v * kLanes);
      }
      for (int key = 0; key < keys; ++key) {
        F values[Vectors];
        for (int v = 0; v < Vectors; ++v) values[v] = Load(tile.v + size_t(key) * size_t(dim) + d + v * kLanes);
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
 * Scores become weights; the row's state is brought to the new largest score. The row sees the tile's keys from
 * `hidden` to `visible`; what it does not see changes nothing, as if the tile had not been there.
 */
RESIDENT_INLINE void Soften(float* scores, int hidden, int visible, int padded_dim, const RowState& state, int row) {
  if (visible <= 0 || hidden >= kTileKeys) {
    for (int i = 0; i < kTileKeys; i += kLanes) Store(scores + i, Set(0.f));
    return;
  }
  const float none = -__builtin_inff();
  for (int i = 0; i < hidden; ++i) scores[i] = none;
  for (int i = visible; i < kTileKeys; ++i) scores[i] = none;
  F best[kPieces];
  for (int j = 0; j < kPieces; ++j) best[j] = Load(scores + j * kLanes);
  for (int i = kPanelRows; i < kTileKeys; i += kPanelRows) {
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
  for (int i = 0; i < kTileKeys; i += kPanelRows) {
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

/** All tiles of one split, for all rows of the unit. */
RESIDENT_INLINE void AttendSplit(const AttendUnit& unit, int split, const float* queries, float* scores, float* k_copy,
                                 float* v_copy, const RowState& state) {
  const int dim = unit.cache->head_dim, padded = PaddedDim(dim), rows = unit.positions * unit.heads;
  const int last_position = unit.first_position + unit.positions - 1;
  const int first_tile = FirstKey(unit.first_position, unit.window) / kTileKeys * kTileKeys;
  ClearState(state, rows, padded);
  for (int key = split * kSplitKeys < first_tile ? first_tile : split * kSplitKeys;
       key < (split + 1) * kSplitKeys && key <= last_position; key += kTileKeys) {
    const int keys = last_position + 1 - key < kTileKeys ? last_position + 1 - key : kTileKeys;
    const Tile tile = FindTile(unit, key, keys, k_copy, v_copy);
    int r = 0;
    const auto score = [&]<int Rows>() {
      ScoreRows<Rows>(queries + size_t(r) * size_t(padded), size_t(padded), dim, tile, scores + r * kTileKeys);
      r += Rows;
    };
    while (rows - r >= 6) score.template operator()<6>();
    while (rows - r >= 3) score.template operator()<3>();
    while (rows - r >= 1) score.template operator()<1>();
    for (r = 0; r < rows; ++r) {
      const int position = unit.first_position + r / unit.heads;
      Soften(scores + r * kTileKeys, FirstKey(position, unit.window) - key, position + 1 - key, padded, state, r);
    }
    r = 0;
    const auto mix = [&]<int Rows>() {
      MixRows<Rows>(scores + r * kTileKeys, keys, tile, dim, state, r);
      r += Rows;
    };
    while (rows - r >= 6) mix.template operator()<6>();
    while (rows - r >= 3) mix.template operator()<3>();
    while (rows - r >= 1) mix.template operator()<1>();
  }
}

void Attend(const AttendUnit& unit) {
  const int dim = unit.cache->head_dim, padded = PaddedDim(dim), rows = unit.positions * unit.heads;
  const size_t state_floats = PartialFloats(dim);
  float* queries = unit.scratch;
  float* scores = queries + size_t(kUnitRows) * size_t(padded);
  float* k_copy = scores + size_t(kUnitRows) * kTileKeys;
  float* v_copy = k_copy + size_t(kTileKeys) * size_t(padded);
  const RowState part{v_copy + size_t(kTileKeys) * size_t(padded) + 16, state_floats};
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
