// Matrix products of one panel of 16 outputs. Included inside the level's namespace, after its simd header.

namespace {

/** Weights are read ahead by this much: the hardware's own prefetcher stops at pages. */
constexpr int kPrefetchBytes = 4096;

RESIDENT_INLINE F LoadScale(FloatType type, const uint8_t* p, int lane) {
  if (type == FloatType::kF16) return LoadHalf(reinterpret_cast<const uint16_t*>(p) + lane);
  if (type == FloatType::kBF16) return LoadBrain(reinterpret_cast<const uint16_t*>(p) + lane);
  return Load(reinterpret_cast<const float*>(p) + lane);
}

constexpr int kWordBytes = kPanelRows * 4;

RESIDENT_INLINE void UnpackNibbles(const uint8_t* words, Bytes (&weights)[8]) {
  for (int i = 0; i < 4; ++i) {
    const Bytes w = LoadBytes(words + i * kWordBytes);
    weights[2 * i] = BitsAt<0, 4>(w);
    weights[2 * i + 1] = BitsAt<4, 4>(w);
  }
}

RESIDENT_INLINE void UnpackPairs(const uint8_t* words, Bytes (&weights)[8]) {
  for (int i = 0; i < 2; ++i) {
    const Bytes w = LoadBytes(words + i * kWordBytes);
    weights[4 * i] = BitsAt<0, 2>(w);
    weights[4 * i + 1] = BitsAt<2, 2>(w);
    weights[4 * i + 2] = BitsAt<4, 2>(w);
    weights[4 * i + 3] = BitsAt<6, 2>(w);
  }
}

/** Bit `Bit` of all weights, which are known up to there. */
template <int Bit>
RESIDENT_INLINE void AddBits(const uint8_t* word, Bytes (&weights)[8]) {
  const Bytes w = LoadBytes(word);
  weights[0] = JoinBit<0, Bit>(weights[0], w);
  weights[1] = JoinBit<1, Bit>(weights[1], w);
  weights[2] = JoinBit<2, Bit>(weights[2], w);
  weights[3] = JoinBit<3, Bit>(weights[3], w);
  weights[4] = JoinBit<4, Bit>(weights[4], w);
  weights[5] = JoinBit<5, Bit>(weights[5], w);
  weights[6] = JoinBit<6, Bit>(weights[6], w);
  weights[7] = JoinBit<7, Bit>(weights[7], w);
}

/** The 32 weights of a digit group, of kLanes outputs: weights[j] holds inputs 4 j … 4 j + 3. */
template <int Bits>
RESIDENT_INLINE void Unpack(const uint8_t* words, Bytes (&weights)[8]) {
  if constexpr (Bits == 2 || Bits == 3) {
    UnpackPairs(words, weights);
    if constexpr (Bits == 3) AddBits<2>(words + 2 * kWordBytes, weights);
  } else if constexpr (Bits == 8) {
    for (int i = 0; i < 8; ++i) weights[i] = LoadBytes(words + i * kWordBytes);
  } else {
    UnpackNibbles(words, weights);
    if constexpr (Bits == 5) AddBits<4>(words + 4 * kWordBytes, weights);
    if constexpr (Bits == 6) {
      Bytes upper[8];
      UnpackPairs(words + 4 * kWordBytes, upper);
      for (int i = 0; i < 8; ++i) weights[i] = JoinBits<4>(weights[i], upper[i]);
    }
  }
}

/**
 * The group's dot product as a float. With 4 bits or fewer it fits 32 bits exactly (32 * 15 * 2^22 < 2^31) and is
 * rounded once; with more its upper digit is added in floats. Integer sums have no order: three short chains instead of
 * one keep the multipliers busy.
 */
template <int Bits>
RESIDENT_INLINE F DotDigits(const Bytes (&weights)[8], const int8_t* digits) {
  I sums[kDigits];
  DotThree<Bits>(weights, digits, sums);
  if constexpr (Bits <= 4) {
    const I upper = AddInt(ShiftLeft<8>(sums[0]), sums[1]);
    return ToFloat(AddInt(ShiftLeft<8>(upper), sums[2]));
  } else {
    const I lower = AddInt(ShiftLeft<8>(sums[1]), sums[2]);
    return Fma(ToFloat(sums[0]), Set(65536.f), ToFloat(lower));
  }
}

template <int Bits, int Rows>
void QuantisedRows(const PanelFormat& format, const uint8_t* panel, const DigitRows& x, int first, float* y,
                   size_t y_stride) {
  constexpr int kGroupBytes = kDigitGroup * kPanelRows * Bits / 8;
  const size_t scale_bytes = SizeOf(format.scale_type) * kPanelRows;
  const int groups = x.groups;
  for (int lane = 0; lane < kPanelRows; lane += kLanes) {
    F sums[Rows];
    for (int r = 0; r < Rows; ++r) sums[r] = Set(0.f);
    const uint8_t* at = panel;
    for (int g = 0; g < groups;) {
      const F scale = LoadScale(format.scale_type, at, lane);
      const F zero = LoadScale(format.scale_type, at + scale_bytes, lane);
      if (first == 0) PrefetchLine(at + kPrefetchBytes);
      at += 2 * scale_bytes;
      for (const int end = g + format.groups_a_scale; g < end; ++g, at += kGroupBytes) {
        if (first == 0) {  // later rows find the panel in the cache
          for (int i = 0; i < kGroupBytes; i += 64) PrefetchLine(at + kPrefetchBytes + i);
        }
        Bytes weights[8];
        Unpack<Bits>(at + lane * 4, weights);
        for (int r = 0; r < Rows; ++r) {
          const size_t group = size_t(first + r) * size_t(groups) + size_t(g);
          const size_t row = size_t(g) * x.stride + size_t(first + r);
          const F dot = DotDigits<Bits>(weights, x.digits + group * kDigitBytes);
          sums[r] = Fma(Mul(scale, Set(x.scales[row])), dot, sums[r]);
          sums[r] = Fma(zero, Set(x.sums[row]), sums[r]);
        }
      }
    }
    for (int r = 0; r < Rows; ++r) Store(y + size_t(first + r) * y_stride + lane, sums[r]);
  }
}

template <int Bits>
void QuantisedPanelOf(const PanelFormat& format, const uint8_t* panel, const DigitRows& x, int rows, float* y,
                      size_t y_stride) {
  constexpr int kMost = kLanes == 16 ? 8 : 4;
  int row = 0;
  if constexpr (kLanes == 16) {
    // Unpacking is shared by twice as many rows: 32 registers hold their sums, the weights and three chains.
    for (; row + 2 * kMost <= rows; row += 2 * kMost) {
      QuantisedRows<Bits, 2 * kMost>(format, panel, x, row, y, y_stride);
    }
  }
  for (; row + kMost <= rows; row += kMost) QuantisedRows<Bits, kMost>(format, panel, x, row, y, y_stride);
  switch (rows - row) {
    case 7:
      return QuantisedRows<Bits, 4>(format, panel, x, row, y, y_stride),
             QuantisedRows<Bits, 3>(format, panel, x, row + 4, y, y_stride);
    case 6:
      return QuantisedRows<Bits, 3>(format, panel, x, row, y, y_stride),
             QuantisedRows<Bits, 3>(format, panel, x, row + 3, y, y_stride);
    case 5:
      return QuantisedRows<Bits, 3>(format, panel, x, row, y, y_stride),
             QuantisedRows<Bits, 2>(format, panel, x, row + 3, y, y_stride);
    case 4:
      return QuantisedRows<Bits, 4>(format, panel, x, row, y, y_stride);
    case 3:
      return QuantisedRows<Bits, 3>(format, panel, x, row, y, y_stride);
    case 2:
      return QuantisedRows<Bits, 2>(format, panel, x, row, y, y_stride);
    case 1:
      return QuantisedRows<Bits, 1>(format, panel, x, row, y, y_stride);
    default:
      return;
  }
}

void QuantisedPanels(const PanelFormat& format, const uint8_t* panel, size_t panel_bytes, int panels,
                     const DigitRows& x, int rows, float* y) {
  for (int p = 0; p < panels; ++p, panel += panel_bytes, y += PanelStride(rows)) {
    switch (format.bits) {
      case 2:
        QuantisedPanelOf<2>(format, panel, x, rows, y, kPanelRows);
        break;
      case 3:
        QuantisedPanelOf<3>(format, panel, x, rows, y, kPanelRows);
        break;
      case 4:
        QuantisedPanelOf<4>(format, panel, x, rows, y, kPanelRows);
        break;
      case 5:
        QuantisedPanelOf<5>(format, panel, x, rows, y, kPanelRows);
        break;
      case 6:
        QuantisedPanelOf<6>(format, panel, x, rows, y, kPanelRows);
        break;
      default:
        QuantisedPanelOf<8>(format, panel, x, rows, y, kPanelRows);
    }
  }
}

/** Products are added in the inputs' order in pieces of 64, and the pieces one after the other. */
constexpr int kFloatPiece = 64;

template <typename LoadRow, int Rows>
RESIDENT_INLINE void FloatRows(LoadRow load, int inputs, const float* x, size_t x_stride, float* y, size_t y_stride) {
  F sums[Rows][kPieces];
  for (int r = 0; r < Rows; ++r) {
    for (int j = 0; j < kPieces; ++j) sums[r][j] = Set(0.f);
  }
  for (int k = 0; k < inputs;) {
    F piece[Rows][kPieces];
    for (int r = 0; r < Rows; ++r) {
      for (int j = 0; j < kPieces; ++j) piece[r][j] = Set(0.f);
    }
    for (const int end = inputs - k < kFloatPiece ? inputs : k + kFloatPiece; k < end; ++k) {
      F weights[kPieces];
      for (int j = 0; j < kPieces; ++j) weights[j] = load(k * kPanelRows + j * kLanes);
      for (int r = 0; r < Rows; ++r) {
        const F value = Set(x[size_t(r) * x_stride + size_t(k)]);
        for (int j = 0; j < kPieces; ++j) piece[r][j] = Fma(value, weights[j], piece[r][j]);
      }
    }
    for (int r = 0; r < Rows; ++r) {
      for (int j = 0; j < kPieces; ++j) sums[r][j] = Add(sums[r][j], piece[r][j]);
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int j = 0; j < kPieces; ++j) Store(y + size_t(r) * y_stride + j * kLanes, sums[r][j]);
  }
}

template <typename LoadRow>
void FloatPanelOf(LoadRow load, int inputs, const float* x, size_t x_stride, int rows, float* y, size_t y_stride) {
  constexpr int kMost = kLanes == 16 ? 12 : 4;
  int row = 0;
  const auto take = [&]<int Rows>() {
    FloatRows<LoadRow, Rows>(load, inputs, x + size_t(row) * x_stride, x_stride, y + size_t(row) * y_stride, y_stride);
    row += Rows;
  };
  while (rows - row >= kMost) take.template operator()<kMost>();
  while (rows - row >= 4) take.template operator()<4>();
  while (rows - row >= 1) take.template operator()<1>();
}

void FloatPanel(FloatType type, const void* panel, int inputs, const float* x, size_t x_stride, int rows, float* y,
                size_t y_stride) {
  const auto* halves = static_cast<const uint16_t*>(panel);
  const auto* floats = static_cast<const float*>(panel);
  if (type == FloatType::kF32) {
    FloatPanelOf([=](int at) { return Load(floats + at); }, inputs, x, x_stride, rows, y, y_stride);
  } else if (type == FloatType::kF16) {
    FloatPanelOf([=](int at) { return LoadHalf(halves + at); }, inputs, x, x_stride, rows, y, y_stride);
  } else {
    FloatPanelOf([=](int at) { return LoadBrain(halves + at); }, inputs, x, x_stride, rows, y, y_stride);
  }
}

}  // namespace
