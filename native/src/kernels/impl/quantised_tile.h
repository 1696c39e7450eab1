// K and V in 8 bits (quantised_head.h). Included inside the level's namespace, by attention.h.
//
// Scales stay outside of the sums of products: a score is the sum over groups of scale * (sum over the group's
// dimensions), and a row's weight of a key is multiplied by the key's scale once for a group. So a value costs a
// conversion and no multiplication, and rows can read bytes in place.

namespace {

/** A tile's keys and values without their scales, as bytes in place or as floats; scales [group][scale_stride]. */
template <typename Value>
struct QuantisedTile {
  const Value* k;
  size_t k_stride;
  const Value* v;
  const uint16_t *k_scales, *v_scales;
  size_t scale_stride;
};

RESIDENT_INLINE void WidenBytes(const int8_t* from, int count, float* to) {
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) Store(to + i, LoadSigned(from + i));
  for (; i < count; ++i) to[i] = float(from[i]);
}

RESIDENT_INLINE QuantisedLayout LayoutOf(const CacheView& cache) {
  return {cache.kv_heads, cache.head_dim, cache.block_tokens};
}

RESIDENT_INLINE const uint16_t* ScalesAt(const void* slab, size_t bytes) {
  return reinterpret_cast<const uint16_t*>(static_cast<const uint8_t*>(slab) + bytes);
}

/** In place: blocks are whole tiles. */
RESIDENT_INLINE void FindTile(const AttendUnit& unit, int first_key, int, float*, float*, QuantisedTile<int8_t>& tile) {
  const CacheView& cache = *unit.cache;
  const QuantisedLayout layout = LayoutOf(cache);
  const int tokens = cache.block_tokens, offset = first_key % tokens, block = unit.table[first_key / tokens];
  const size_t values = layout.Values(block, unit.kv_head);
  const size_t scales = layout.Scales(block, unit.kv_head) + size_t(offset) * kCacheScaleBytes;
  tile = {static_cast<const int8_t*>(cache.k) + values + offset,
          size_t(tokens),
          static_cast<const int8_t*>(cache.v) + values + size_t(offset) * size_t(cache.head_dim),
          ScalesAt(cache.k, scales),
          ScalesAt(cache.v, scales),
          size_t(tokens)};
}

/** Values widened, scales copied where blocks are no whole tiles (then behind `v_copy`, see AttendScratchFloats). */
RESIDENT_INLINE void FindTile(const AttendUnit& unit, int first_key, int keys, float* k_copy, float* v_copy,
                              QuantisedTile<float>& tile) {
  const CacheView& cache = *unit.cache;
  const QuantisedLayout layout = LayoutOf(cache);
  const int tokens = cache.block_tokens, dim = cache.head_dim, groups = CacheGroups(dim);
  auto* k_scales = reinterpret_cast<uint16_t*>(v_copy + size_t(kTileKeys) * size_t(PaddedDim(dim)) + kPanelRows);
  uint16_t* v_scales = k_scales + groups * kTileKeys;
  tile = {k_copy, kTileKeys, v_copy, k_scales, v_scales, kTileKeys};
  int done = SkipGone(unit, first_key, k_copy, v_copy);
  for (int g = 0; g < groups && done > 0; ++g) {
    __builtin_memset(k_scales + g * kTileKeys, 0, size_t(done) * kCacheScaleBytes);
    __builtin_memset(v_scales + g * kTileKeys, 0, size_t(done) * kCacheScaleBytes);
  }
  while (done < keys) {
    const int key = first_key + done, offset = key % tokens, block = unit.table[key / tokens];
    const int count = tokens - offset < keys - done ? tokens - offset : keys - done;
    const size_t values = layout.Values(block, unit.kv_head);
    const size_t scales = layout.Scales(block, unit.kv_head) + size_t(offset) * kCacheScaleBytes;
    const int8_t* k = static_cast<const int8_t*>(cache.k) + values + offset;
    for (int d = 0; d < dim; ++d) WidenBytes(k + size_t(d) * size_t(tokens), count, k_copy + d * kTileKeys + done);
    WidenBytes(static_cast<const int8_t*>(cache.v) + values + size_t(offset) * size_t(dim), count * dim,
               v_copy + size_t(done) * size_t(dim));
    if (tokens % kTileKeys == 0) {
      tile.k_scales = ScalesAt(cache.k, scales);
      tile.v_scales = ScalesAt(cache.v, scales);
      tile.scale_stride = size_t(tokens);
      return;
    }
    for (int g = 0; g < groups; ++g) {
      const size_t from = scales + size_t(g) * size_t(tokens) * kCacheScaleBytes;
      const size_t bytes = size_t(count) * kCacheScaleBytes;  // at any address where the dimensions are odd
      __builtin_memcpy(k_scales + g * kTileKeys + done, static_cast<const uint8_t*>(cache.k) + from, bytes);
      __builtin_memcpy(v_scales + g * kTileKeys + done, static_cast<const uint8_t*>(cache.v) + from, bytes);
    }
    done += count;
  }
}

template <int Rows, int Vectors, typename Value>
RESIDENT_INLINE void ScoreKeys(const float* queries, size_t query_stride, int dim, const QuantisedTile<Value>& tile,
                               int keys, const NextTile& next, float* scores) {
  for (int key = 0; key < keys; key += Vectors * kLanes) {
    for (int g = 0, d = 0; d < dim; ++g) {
      F sums[Rows][Vectors];
      for (int r = 0; r < Rows; ++r) {
        for (int v = 0; v < Vectors; ++v) sums[r][v] = Set(0.f);
      }
      for (const int end = dim - d < kCacheGroup ? dim : d + kCacheGroup; d < end; ++d) {
        F values[Vectors];
        if (key == 0) next.PrefetchKeys(d);
        for (int v = 0; v < Vectors; ++v) values[v] = LoadValues(tile.k + size_t(d) * tile.k_stride + key + v * kLanes);
        for (int r = 0; r < Rows; ++r) {
          const F q = Set(queries[size_t(r) * query_stride + size_t(d)]);
          for (int v = 0; v < Vectors; ++v) sums[r][v] = Fma(q, values[v], sums[r][v]);
        }
      }
      for (int v = 0; v < Vectors; ++v) {
        const F scale = LoadHalf(tile.k_scales + size_t(g) * tile.scale_stride + key + v * kLanes);
        for (int r = 0; r < Rows; ++r) {
          float* to = scores + r * kTileKeys + key + v * kLanes;
          Store(to, g == 0 ? Mul(sums[r][v], scale) : Fma(sums[r][v], scale, Load(to)));
        }
      }
    }
  }
}

template <int Rows, typename Value>
RESIDENT_INLINE void MixRows(const float* weights, int keys, const QuantisedTile<Value>& tile, int dim,
                             const NextTile& next, const RowState& state, int first) {
  constexpr int kMost = kMixVectors * kLanes < kCacheGroup ? kMixVectors : kCacheGroup / kLanes;
  const int padded = PaddedDim(dim);
  float scaled[Rows * kTileKeys];
  int g = 0;
  int d = 0;
  while (d < padded) {
    for (int key = 0; key < keys; key += kLanes) {
      const F scale = LoadHalf(tile.v_scales + size_t(g) * tile.scale_stride + key);
      for (int r = 0; r < Rows; ++r) {
        Store(scaled + r * kTileKeys + key, Mul(Load(weights + r * kTileKeys + key), scale));
      }
    }
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
          const F weight = Set(scaled[r * kTileKeys + key]);
          for (int v = 0; v < Vectors; ++v) sums[r][v] = Fma(weight, values[v], sums[r][v]);
        }
      }
      for (int r = 0; r < Rows; ++r) {
        for (int v = 0; v < Vectors; ++v) Store(state.Output(first + r) + d + v * kLanes, sums[r][v]);
      }
      d += Vectors * kLanes;
    };
    const int end = padded - d < kCacheGroup ? padded : d + kCacheGroup;
    while (end - d >= kMost * kLanes) mix.template operator()<kMost>();
    while (d < end) mix.template operator()<1>();
    ++g;
  }
}

/** The smallest half that is not below `value`, which is not negative and no NaN. */
RESIDENT_INLINE uint16_t HalfNotBelow(float value) {
  int32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  if (bits > 0x477fe000) return 0x7c00;  // above 65504
  if (bits >= 0x38800000) return uint16_t((bits - 0x38000000 + 0x1fff) >> 13);
  const float units = value * 0x1p24f;  // of subnormal halves
  const int32_t whole = int32_t(units);
  return uint16_t(whole + (float(whole) < units));
}

RESIDENT_INLINE float HalfValue(uint16_t half) {
  const uint16_t lanes[kLanes] = {half};
  float wide[kLanes];
  Store(wide, LoadHalf(lanes));
  return wide[0];
}

void QuantiseHead(const float* x, int dim, int8_t* values, uint16_t* scales) {
  constexpr int kInfinity = 0x7f800000, kHalfNan = 0x7e00;
  for (int d = 0; d < dim; d += kCacheGroup, ++scales) {
    const int count = dim - d < kCacheGroup ? dim - d : kCacheGroup;
    float group[kCacheGroup] = {};
    __builtin_memcpy(group, x + d, size_t(count) * sizeof(float));
    I magnitudes = SetInt(0);
    for (int i = 0; i < kCacheGroup; i += kLanes) {
      magnitudes = MaxInt(magnitudes, AndInt(AsInt(Load(group + i)), SetInt(0x7fffffff)));
    }
    const int32_t largest_bits = LargestInt(magnitudes);
    if (largest_bits >= kInfinity) {
      *scales = kHalfNan;
      __builtin_memset(values + d, 0, size_t(count));
      continue;
    }
    float largest;
    __builtin_memcpy(&largest, &largest_bits, 4);
    *scales = HalfNotBelow(largest / 127.f);
    const F inverse = Set(*scales == 0 ? 0.f : 1.f / HalfValue(*scales));
    int8_t bytes[kCacheGroup];
    for (int i = 0; i < kCacheGroup; i += kLanes) StoreBytes(bytes + i, ToInt(Mul(Load(group + i), inverse)));
    __builtin_memcpy(values + d, bytes, size_t(count));
  }
}

}  // namespace
