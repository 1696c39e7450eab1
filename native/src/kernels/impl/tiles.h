// Products of many rows with AMX-int8 tiles. Included inside the level's namespace, after panels.h.
//
// A tile product of 64 inputs costs the same as one of 32, so a 4-bit group is laid out as 64: its weights once times
// 16 and once as they are, and its inputs as numbers of 12 bits in two parts that belong to the one and the other. Two
// products and one shift then give what three products and two shifts give with bytes. Either way the group's dot
// product is the exact integer of the other levels, and the float part is theirs.

#if defined(__clang__)
#define RESIDENT_UNROLL _Pragma("unroll")
#else
#define RESIDENT_UNROLL _Pragma("GCC unroll 16")
#endif

namespace {

constexpr int kTileRows = kPairRows;
/** Fewer rows are quicker without tiles: what it costs to unpack a group is shared by its rows. */
constexpr int kFewestTileRows = 4;
/** Rows of which one tile holds both parts. */
constexpr int kMostHalfRows = kTileRows / 2;
/** Tiles of inputs that a piece of groups may have: 16 KB, which stay in the first-level cache for all panels. */
constexpr int kPieceTiles = 16;
/** Units are unpacked this much ahead of their products, and their scales are wanted until some steps after. */
constexpr int kUnpackAhead = 2;
constexpr unsigned kUnpackedUnits = 8;

/** What LDTILECFG reads (Intel SDM, volume 2, "Tile configuration"). */
struct alignas(64) TileShapes {
  uint8_t palette = 1, start_row = 0, reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  RESIDENT_INLINE void Set(int tile, int tile_rows, int bytes) {
    rows[tile] = uint8_t(tile_rows);
    row_bytes[tile] = uint16_t(bytes);
  }
};

/** Compilers do not know all that the tile instructions read. */
RESIDENT_INLINE void MustBeWritten(const void* memory) { __asm__ volatile("" : : "r"(memory) : "memory"); }

/** Products of tiles wait here until they are read two steps later; the step between stores elsewhere. */
template <int Tiles>
struct alignas(64) ProductRing {
  static constexpr int kSteps = 2, kLate = 2;
  int32_t products[kSteps][Tiles][kTileRows * kPanelRows];
  RESIDENT_INLINE int32_t* Of(int step, int tile) { return products[step & (kSteps - 1)][tile]; }
  RESIDENT_INLINE I Row(int step, int tile, int row) {
    return LoadInt(products[step & (kSteps - 1)][tile] + row * kPanelRows);
  }
};

/** Units, each one group of one panel, in the order of work: a piece of groups for all panels, then the next piece. */
struct UnitOrder {
  int groups, panels, a_piece;
  int group = 0, panel = 0, first = 0;

  RESIDENT_INLINE bool Ended() const { return group >= groups; }
  RESIDENT_INLINE void Next() {
    if (++group < first + a_piece && group < groups) return;
    if (++panel == panels) {
      panel = 0;
      first += a_piece;
    }
    group = first;
  }
};

/** A unit of a 4-bit matrix as tiles and floats. */
struct alignas(64) UnpackedUnit {
  uint8_t weights[2][8][kPanelRows * 4];
  float scales[2][kPanelRows];
};

/** How far a group's number is shifted to its scale's: 1, 2 or 4 groups share one. */
RESIDENT_INLINE int ScaleShift(const PanelFormat& format) {
  return format.groups_a_scale == 4 ? 2 : format.groups_a_scale - 1;
}

/** Bytes of a panel's groups that share a scale, with the scales and zeros. */
RESIDENT_INLINE size_t ScaleGroupBytes(const PanelFormat& format) {
  return kPanelRows * (2 * SizeOf(format.scale_type) + size_t(format.groups_a_scale * kDigitGroup * format.bits / 8));
}

/** The panels that a call multiplies. */
struct PanelSource {
  const uint8_t* panel;
  size_t panel_bytes, scale_bytes, scale_group_bytes;
  FloatType scale_type;
  int scale_shift;  // of a group's number to its scale's
  size_t ahead;     // bytes that are read ahead

  RESIDENT_INLINE void Unpack(int number, int group, UnpackedUnit& to) const {
    constexpr int kGroupBytes = 4 * kWordBytes;
    const int in_scale = group & ((1 << scale_shift) - 1);
    const uint8_t* scales = panel + size_t(number) * panel_bytes + size_t(group >> scale_shift) * scale_group_bytes;
    const uint8_t* words = scales + 2 * scale_bytes + size_t(in_scale) * kGroupBytes;
    const Bytes high = _mm512_set1_epi8(char(0xf0));
    PrefetchLine(scales + ahead);
    Store(to.scales[0], LoadScale(scale_type, scales, 0));
    Store(to.scales[1], LoadScale(scale_type, scales + scale_bytes, 0));
    for (int i = 0; i < 4; ++i, words += kWordBytes) {
      const Bytes w = LoadBytes(words);
      PrefetchLine(words + ahead);
      _mm512_store_si512(to.weights[0][2 * i], _mm512_and_si512(_mm512_slli_epi32(w, 4), high));
      _mm512_store_si512(to.weights[0][2 * i + 1], _mm512_and_si512(w, high));
      _mm512_store_si512(to.weights[1][2 * i], BitsAt<0, 4>(w));
      _mm512_store_si512(to.weights[1][2 * i + 1], BitsAt<4, 4>(w));
    }
    MustBeWritten(&to);
  }
};

/** The float part of a group, as QuantisedRows has it. */
template <int Rows, typename Dot>
RESIDENT_INLINE void AddGroup(F scale, F zero, const DigitRows& x, int group, Dot dot, F (&sums)[Rows]) {
  const float *scales = x.scales + size_t(group) * x.stride, *input_sums = x.sums + size_t(group) * x.stride;
  RESIDENT_UNROLL
  for (int r = 0; r < Rows; ++r) {
    sums[r] = Fma(Mul(scale, Set(scales[r])), dot(r), sums[r]);
    sums[r] = Fma(zero, Set(input_sums[r]), sums[r]);
  }
}

/** Where a step's products go to. */
struct TileStep {
  const float *scales, *input_scales, *input_sums;
  float* y;
};

// Tile numbers are part of the instructions: a step is written out for the two sets of product tiles. Every step stores
// what the one before it has made.
#define RESIDENT_STEP_4(upper, lower, upper_before, lower_before) \
  {                                                               \
    _tile_loadd(4, pairs, kPairRowBytes);                         \
    _tile_loadd(5, pairs + kPairBytes, kPairRowBytes);            \
    _tile_zero(upper);                                            \
    _tile_zero(lower);                                            \
    _tile_dpbsud(upper, 4, 6);                                    \
    _tile_dpbsud(lower, 5, 6);                                    \
    if (step >= 1) {                                              \
      _tile_stored(upper_before, ring.Of(step - 1, 0), 64);       \
      _tile_stored(lower_before, ring.Of(step - 1, 1), 64);       \
    }                                                             \
  }
#define RESIDENT_HALF_STEP_4(products, products_before, inputs)             \
  {                                                                         \
    _tile_loadd(inputs, pairs, kPairBytes);                                 \
    _tile_zero(products);                                                   \
    _tile_dpbsud(products, inputs, 6);                                      \
    if (step >= 1) _tile_stored(products_before, ring.Of(step - 1, 0), 64); \
  }
#define RESIDENT_STORE_LAST_HALF_4             \
  if (step % 2 == 1) {                         \
    _tile_stored(0, ring.Of(step - 1, 0), 64); \
  } else {                                     \
    _tile_stored(2, ring.Of(step - 1, 0), 64); \
  }
#define RESIDENT_STORE_LAST_4                  \
  if (step % 2 == 1) {                         \
    _tile_stored(0, ring.Of(step - 1, 0), 64); \
    _tile_stored(1, ring.Of(step - 1, 1), 64); \
  } else {                                     \
    _tile_stored(2, ring.Of(step - 1, 0), 64); \
    _tile_stored(3, ring.Of(step - 1, 1), 64); \
  }

/**
 * One tile of inputs, whose sums stay in registers while the panels are streamed. Where rows are so few that the upper
 * and lower parts of their inputs are one tile, whose rows they are in turns, a piece of groups stays in the cache for
 * all panels; for more rows that was no faster.
 */
template <int Rows>
void OneTile4(const PanelSource& source, int panels, const DigitRows& x, float* y, size_t panel_stride) {
  constexpr bool kHalf = Rows <= kMostHalfRows;
  using Ring = ProductRing<kHalf ? 1 : 2>;
  Ring ring;
  UnpackedUnit units[kUnpackedUnits];
  const int piece = kHalf ? kPieceTiles : x.groups;
  for (int first = 0; first < x.groups; first += piece) {
    const int groups = x.groups - first < piece ? x.groups - first : piece;
    for (int p = 0; p < panels; ++p) {
      float* to = y + size_t(p) * panel_stride;
      F sums[Rows];
      RESIDENT_UNROLL
      for (int r = 0; r < Rows; ++r) sums[r] = first == 0 ? Set(0.f) : Load(to + r * kPanelRows);
      const auto upper = [&](int g, int r) { return kHalf ? ring.Row(g, 0, 2 * r) : ring.Row(g, 0, r); };
      const auto lower = [&](int g, int r) { return kHalf ? ring.Row(g, 0, 2 * r + 1) : ring.Row(g, 1, r); };
      const auto finish = [&](int g) __attribute__((always_inline)) {
        const UnpackedUnit& unit = units[unsigned(g) % kUnpackedUnits];
        AddGroup(
            Load(unit.scales[0]), Load(unit.scales[1]), x, first + g,
            [&](int r) { return ToFloat(AddInt(ShiftLeft<12>(upper(g, r)), lower(g, r))); }, sums);
      };
      const auto unpack = [&](int g) __attribute__((always_inline)) {
        if (g < groups) source.Unpack(p, first + g, units[unsigned(g) % kUnpackedUnits]);
      };
      for (int g = 0; g < kUnpackAhead; ++g) unpack(g);
      const int8_t* pairs = x.pairs + size_t(first) * kPairGroupBytes;
      int step = 0;
      for (; step < groups; ++step, pairs += kPairGroupBytes) {
        unpack(step + kUnpackAhead);
        _tile_loadd(6, units[unsigned(step) % kUnpackedUnits].weights, 64);
        if constexpr (kHalf) {
          RESIDENT_HALF_STEP_4(0, 2, 4)
        } else {
          RESIDENT_STEP_4(0, 1, 2, 3)
        }
        if (step >= Ring::kLate) finish(step - Ring::kLate);
        if (++step == groups) break;
        pairs += kPairGroupBytes;
        unpack(step + kUnpackAhead);
        _tile_loadd(6, units[unsigned(step) % kUnpackedUnits].weights, 64);
        if constexpr (kHalf) {
          RESIDENT_HALF_STEP_4(2, 0, 5)
        } else {
          RESIDENT_STEP_4(2, 3, 0, 1)
        }
        if (step >= Ring::kLate) finish(step - Ring::kLate);
      }
      if constexpr (kHalf) {
        RESIDENT_STORE_LAST_HALF_4
      } else {
        RESIDENT_STORE_LAST_4
      }
      for (int g = groups < Ring::kLate ? 0 : groups - Ring::kLate; g < groups; ++g) finish(g);
      RESIDENT_UNROLL
      for (int r = 0; r < Rows; ++r) Store(to + r * kPanelRows, sums[r]);
    }
  }
}

/** Several tiles of inputs, of which a few groups stay in the cache while all panels pass. */
void ManyTiles4(const PanelSource& source, int panels, const DigitRows& x, int rows, float* y, size_t panel_stride) {
  using Ring = ProductRing<2>;
  Ring ring;
  UnpackedUnit units[kUnpackedUnits];
  TileStep steps[Ring::kSteps];
  const int tiles = (rows + kTileRows - 1) / kTileRows, fits = kPieceTiles / 2 / tiles;
  const size_t tile_bytes = PairTileBytes(x.groups);
  for (size_t i = 0; i < size_t(panels) * panel_stride; i += kLanes) Store(y + i, Set(0.f));
  UnitOrder unit{.groups = x.groups, .panels = panels, .a_piece = fits < 1 ? 1 : fits};
  UnitOrder next = unit;
  unsigned step = 0, u = 0, unpacked = 0;
  const auto unpack = [&]() __attribute__((always_inline)) {
    if (next.Ended()) return;
    source.Unpack(next.panel, next.group, units[unpacked++ % kUnpackedUnits]);
    next.Next();
  };
  const auto finish = [&](unsigned done) __attribute__((always_inline)) {
    const TileStep& to = steps[done % Ring::kSteps];
    const F scale = Load(to.scales), zero = Load(to.scales + kPanelRows);
    RESIDENT_UNROLL
    for (int r = 0; r < kTileRows; ++r) {
      const F dot = ToFloat(AddInt(ShiftLeft<12>(ring.Row(done, 0, r)), ring.Row(done, 1, r)));
      F sum = Load(to.y + r * kPanelRows);
      sum = Fma(Mul(scale, Set(to.input_scales[r])), dot, sum);
      Store(to.y + r * kPanelRows, Fma(zero, Set(to.input_sums[r]), sum));
    }
  };
  for (int i = 0; i < kUnpackAhead; ++i) unpack();
  for (; !unit.Ended(); unit.Next(), ++u) {
    unpack();
    const UnpackedUnit& now = units[u % kUnpackedUnits];
    _tile_loadd(6, now.weights, 64);
    for (int t = 0; t < tiles; ++t, ++step) {
      const int8_t* pairs = x.pairs + size_t(t) * tile_bytes + size_t(unit.group) * kPairGroupBytes;
      if ((step & 1) == 0) {
        RESIDENT_STEP_4(0, 1, 2, 3)
      } else {
        RESIDENT_STEP_4(2, 3, 0, 1)
      }
      if (step >= Ring::kLate) finish(step - Ring::kLate);
      const size_t at = size_t(unit.group) * x.stride + size_t(t) * kTileRows;
      steps[step % Ring::kSteps] = {now.scales[0], x.scales + at, x.sums + at,
                                    y + size_t(unit.panel) * panel_stride + t * kTileRows * kPanelRows};
    }
  }
  RESIDENT_STORE_LAST_4
  for (unsigned done = step < Ring::kLate ? 0 : step - Ring::kLate; done < step; ++done) finish(done);
}

#define RESIDENT_STEP_8(c0, c1, c2, before0, before1, before2) \
  {                                                            \
    _tile_loadd(6, digits, row_bytes);                         \
    _tile_zero(c0);                                            \
    _tile_dpbsud(c0, 6, 7);                                    \
    _tile_loadd(6, digits + kDigitGroup, row_bytes);           \
    _tile_zero(c1);                                            \
    _tile_dpbsud(c1, 6, 7);                                    \
    _tile_loadd(6, digits + 2 * kDigitGroup, row_bytes);       \
    _tile_zero(c2);                                            \
    _tile_dpbsud(c2, 6, 7);                                    \
    if (step >= 1) {                                           \
      _tile_stored(before0, ring.Of(step - 1, 0), 64);         \
      _tile_stored(before1, ring.Of(step - 1, 1), 64);         \
      _tile_stored(before2, ring.Of(step - 1, 2), 64);         \
    }                                                          \
  }

/** One tile of inputs and one panel of 8 bits, whose groups are tiles as they are in memory. */
template <int Rows>
void OneTile8(const PanelFormat& format, const uint8_t* panel, const DigitRows& x, float* y) {
  using Ring = ProductRing<3>;
  constexpr int kGroupBytes = kDigitGroup * kPanelRows;
  const size_t scale_bytes = SizeOf(format.scale_type) * kPanelRows, row_bytes = size_t(x.groups) * kDigitBytes;
  const int groups = x.groups, scale_shift = ScaleShift(format);
  const size_t scale_group_bytes = ScaleGroupBytes(format);
  Ring ring;
  F sums[Rows];
  RESIDENT_UNROLL
  for (int r = 0; r < Rows; ++r) sums[r] = Set(0.f);
  const auto scales_of = [&](int g) { return panel + size_t(g >> scale_shift) * scale_group_bytes; };
  const auto finish = [&](int g) __attribute__((always_inline)) {
    const uint8_t* scales = scales_of(g);
    AddGroup(
        LoadScale(format.scale_type, scales, 0), LoadScale(format.scale_type, scales + scale_bytes, 0), x, g,
        [&](int r) {
          const I lower = AddInt(ShiftLeft<8>(ring.Row(g, 1, r)), ring.Row(g, 2, r));
          return Fma(ToFloat(ring.Row(g, 0, r)), Set(65536.f), ToFloat(lower));
        },
        sums);
  };
  const auto begin = [&](int g) __attribute__((always_inline)) {
    const uint8_t* words = scales_of(g) + 2 * scale_bytes + size_t(g & (format.groups_a_scale - 1)) * kGroupBytes;
    _tile_loadd(7, words, 64);
    for (int i = 0; i <= kGroupBytes; i += 64) PrefetchLine(words + kPrefetchBytes + i);
  };
  const int8_t* digits = x.digits;
  int step = 0;
  for (; step < groups; ++step, digits += kDigitBytes) {
    begin(step);
    RESIDENT_STEP_8(0, 1, 2, 3, 4, 5)
    if (step >= Ring::kLate) finish(step - Ring::kLate);
    if (++step == groups) break;
    digits += kDigitBytes;
    begin(step);
    RESIDENT_STEP_8(3, 4, 5, 0, 1, 2)
    if (step >= Ring::kLate) finish(step - Ring::kLate);
  }
  if (step % 2 == 1) {
    _tile_stored(0, ring.Of(step - 1, 0), 64);
    _tile_stored(1, ring.Of(step - 1, 1), 64);
    _tile_stored(2, ring.Of(step - 1, 2), 64);
  } else {
    _tile_stored(3, ring.Of(step - 1, 0), 64);
    _tile_stored(4, ring.Of(step - 1, 1), 64);
    _tile_stored(5, ring.Of(step - 1, 2), 64);
  }
  for (int g = groups < Ring::kLate ? 0 : groups - Ring::kLate; g < groups; ++g) finish(g);
  RESIDENT_UNROLL
  for (int r = 0; r < Rows; ++r) Store(y + r * kPanelRows, sums[r]);
}

#undef RESIDENT_STEP_4
#undef RESIDENT_HALF_STEP_4
#undef RESIDENT_STORE_LAST_HALF_4
#undef RESIDENT_STORE_LAST_4
#undef RESIDENT_STEP_8
#undef RESIDENT_UNROLL

/** Calls work<rows>() for 1 to 16 rows. */
template <int Rows = kTileRows, typename Work>
RESIDENT_INLINE void WithRows(int rows, const Work& work) {
  if (rows == Rows) return work.template operator()<Rows>();
  if constexpr (Rows > 1) WithRows<Rows - 1>(rows, work);
}

/** What this thread's tiles are shaped for: shaping them takes as long as thirty products. */
struct Shaped {
  int bits = 0, rows = 0;
};
thread_local Shaped shaped;

/** Tiles of inputs and products get what `rows` rows need, and those of weights what `bits` asks for. */
RESIDENT_INLINE void ShapeTiles(int bits, int rows) {
  if (shaped.bits == bits && shaped.rows == rows) return;
  TileShapes shapes;
  const int tile_rows = bits == 4 && rows <= kMostHalfRows ? 2 * rows : rows;
  for (int tile = 0; tile < 6; ++tile) shapes.Set(tile, tile_rows, 64);
  if (bits == 4) {
    shapes.Set(6, 16, 64);
  } else {
    shapes.Set(6, rows, kDigitGroup);
    shapes.Set(7, 8, 64);
  }
  MustBeWritten(&shapes);
  _tile_loadconfig(&shapes);
  shaped = {bits, rows};
}

/** A processor whose tiles are in use cannot sleep deeply. */
void ReleaseTiles() {
  if (shaped.bits != 0) _tile_release();
  shaped = {};
}

/** Up to 16 rows, or whole tiles, of which the last may be read and written beyond `rows`. */
RESIDENT_INLINE void MultiplyTiles(const PanelFormat& format, const uint8_t* panel, size_t panel_bytes, int panels,
                                   const DigitRows& x, int rows, float* y, size_t panel_stride) {
  const int tile_rows = rows < kTileRows ? rows : kTileRows;
  ShapeTiles(format.bits, tile_rows);
  if (format.bits == 8) {
    for (int p = 0; p < panels; ++p, panel += panel_bytes, y += panel_stride) {
      for (int row = 0; row < rows; row += kTileRows) {
        WithRows(tile_rows, [&]<int Rows>() { OneTile8<Rows>(format, panel, x.From(row), y + row * kPanelRows); });
      }
    }
    return;
  }
  const PanelSource source{.panel = panel,
                           .panel_bytes = panel_bytes,
                           .scale_bytes = SizeOf(format.scale_type) * kPanelRows,
                           .scale_group_bytes = ScaleGroupBytes(format),
                           .scale_type = format.scale_type,
                           .scale_shift = ScaleShift(format),
                           .ahead = rows <= kMostHalfRows ? panel_bytes
                                    : rows <= kTileRows   ? kPrefetchBytes
                                                          : 2 * panel_bytes};
  if (rows > kTileRows) return ManyTiles4(source, panels, x, rows, y, panel_stride);
  WithRows(tile_rows, [&]<int Rows>() { OneTile4<Rows>(source, panels, x, y, panel_stride); });
}

void TilePanels(const PanelFormat& format, const uint8_t* panel, size_t panel_bytes, int panels, const DigitRows& x,
                int rows, float* y) {
  // Other widths would have to be unpacked into memory first, where tiles are read from.
  const bool fits = format.bits == 4 || format.bits == 8;
  if (rows < kFewestTileRows || !fits) return QuantisedPanels(format, panel, panel_bytes, panels, x, rows, y);
  const size_t panel_stride = PanelStride(rows);
  // Half a tile beyond whole ones is quicker by itself than as a tile that is computed to its end.
  const int beyond = rows % kTileRows, whole = rows - beyond;
  const bool apart = whole > 0 && beyond > 0 && beyond <= kMostHalfRows;
  MultiplyTiles(format, panel, panel_bytes, panels, x, apart ? whole : rows, y, panel_stride);
  if (!apart) return;
  MultiplyTiles(format, panel, panel_bytes, panels, x.From(whole), beyond, y + whole * kPanelRows, panel_stride);
}

}  // namespace
