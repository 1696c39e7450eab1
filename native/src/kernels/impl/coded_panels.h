// Matrix products of one panel of 16 outputs whose weights are short floats. Included inside the level's namespace,
// after panels.h.
//
// A code becomes a float without a table in memory: its exponent and mantissa are moved to where a float has them, and
// the exponent is corrected. Every step is exact. A group's products are added first and multiplied by its scale once.

namespace {

/** Signed bytes. */
RESIDENT_INLINE I LoadCodes(const uint8_t* p) { return ToInt(LoadSigned(reinterpret_cast<const int8_t*>(p))); }

/**
 * A float of the code's bits without its sign, moved up to a float's mantissa, with `Bias` added to the exponent. What
 * is below 2^Smallest came from a code whose exponent was 0, which has no leading 1.
 */
template <int Bias, int Smallest>
RESIDENT_INLINE F MagnitudeOf(I bits) {
  constexpr float kLeast = Smallest < 0 ? 1.f / float(1 << (Smallest < 0 ? -Smallest : 0)) : float(1 << Smallest);
  const F value = AsFloat(AddInt(bits, SetInt(Bias << 23)));
  return WhereLess(value, Set(kLeast), Fma(value, Set(2.f), Set(-kLeast)), value);
}

RESIDENT_INLINE F WithSign(F magnitude, I sign) { return AsFloat(AddInt(AsInt(magnitude), sign)); }

/** E2M1 in the low four bits: 0, 0.5, 1, 1.5, 2, 3, 4, 6. */
RESIDENT_INLINE F LowFloat(I codes) {
  return WithSign(MagnitudeOf<126, 0>(ShiftLeft<22>(AndInt(codes, SetInt(7)))),
                  ShiftLeft<28>(AndInt(codes, SetInt(8))));
}
/** The same in the high four bits of a signed byte. */
RESIDENT_INLINE F HighFloat(I codes) {
  return WithSign(MagnitudeOf<126, 0>(ShiftLeft<18>(AndInt(codes, SetInt(0x70)))),
                  ShiftLeft<24>(AndInt(codes, SetInt(0x80))));
}
/** E4M3. */
RESIDENT_INLINE F ByteFloat(I codes) {
  return WithSign(MagnitudeOf<120, -6>(ShiftLeft<20>(AndInt(codes, SetInt(0x7f)))),
                  ShiftLeft<24>(AndInt(codes, SetInt(0x80))));
}

template <int Bits, int Rows>
void CodedRows(const CodedFormat& format, const uint8_t* panel, int inputs, const float* x, size_t x_stride, float* y,
               size_t y_stride) {
  const size_t scale_bytes = SizeOf(format.scale_type) * kPanelRows;
  F sums[Rows][kPieces];
  for (int r = 0; r < Rows; ++r) {
    for (int j = 0; j < kPieces; ++j) sums[r][j] = Set(0.f);
  }
  for (int k = 0; k < inputs;) {
    const uint8_t* scales = panel;
    panel += scale_bytes;
    F group[Rows][kPieces];
    for (int r = 0; r < Rows; ++r) {
      for (int j = 0; j < kPieces; ++j) group[r][j] = Set(0.f);
    }
    const auto multiply = [&](int input, const F(&weights)[kPieces]) __attribute__((always_inline)) {
      for (int r = 0; r < Rows; ++r) {
        const F value = Set(x[size_t(r) * x_stride + size_t(input)]);
        for (int j = 0; j < kPieces; ++j) group[r][j] = Fma(value, weights[j], group[r][j]);
      }
    };
    for (const int end = k + format.scale_inputs; k < end; panel += kPanelRows) {
      PrefetchLine(panel + kPrefetchBytes);
      F weights[kPieces];
      if constexpr (Bits == 4) {
        I codes[kPieces];
        for (int j = 0; j < kPieces; ++j) codes[j] = LoadCodes(panel + j * kLanes);
        for (int j = 0; j < kPieces; ++j) weights[j] = LowFloat(codes[j]);
        multiply(k++, weights);
        for (int j = 0; j < kPieces; ++j) weights[j] = HighFloat(codes[j]);
      } else {
        for (int j = 0; j < kPieces; ++j) weights[j] = ByteFloat(LoadCodes(panel + j * kLanes));
      }
      multiply(k++, weights);
    }
    for (int j = 0; j < kPieces; ++j) {
      const F scale = LoadScale(format.scale_type, scales, j * kLanes);
      for (int r = 0; r < Rows; ++r) sums[r][j] = Fma(scale, group[r][j], sums[r][j]);
    }
  }
  for (int r = 0; r < Rows; ++r) {
    for (int j = 0; j < kPieces; ++j) Store(y + size_t(r) * y_stride + j * kLanes, sums[r][j]);
  }
}

template <int Bits>
void CodedPanelOf(const CodedFormat& format, const uint8_t* panel, int inputs, const float* x, size_t x_stride,
                  int rows, float* y, size_t y_stride) {
  constexpr int kMost = kLanes == 16 ? 8 : 4;
  int row = 0;
  const auto take = [&]<int Rows>() {
    CodedRows<Bits, Rows>(format, panel, inputs, x + size_t(row) * x_stride, x_stride, y + size_t(row) * y_stride,
                          y_stride);
    row += Rows;
  };
  while (rows - row >= kMost) take.template operator()<kMost>();
  while (rows - row >= 2) take.template operator()<2>();
  while (rows - row >= 1) take.template operator()<1>();
}

void CodedPanel(const CodedFormat& format, const uint8_t* panel, int inputs, const float* x, size_t x_stride, int rows,
                float* y, size_t y_stride) {
  if (format.bits == 4) {
    CodedPanelOf<4>(format, panel, inputs, x, x_stride, rows, y, y_stride);
  } else {
    CodedPanelOf<8>(format, panel, inputs, x, x_stride, rows, y, y_stride);
  }
}

}  // namespace
