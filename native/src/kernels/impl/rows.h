// Kernels over one row. Included inside the level's namespace, after its simd header.

namespace {

constexpr int kPieces = kPanelRows / kLanes;  // vectors of 16 virtual lanes

/**
 * exp to 1.2e-7, 0 below −87.33. Cody and Waite's two-part reduction with Cephes' polynomial (expf.c, Moshier); no
 * libm, whose results differ between platforms.
 */
RESIDENT_INLINE F Exp(F x) {
  const F lowest = Set(-87.33654f);
  const F clamped = Max(WhereLess(x, Set(88.72283f), x, Set(88.72283f)), lowest);
  const I n = ToInt(Mul(clamped, Set(1.44269504f)));
  const F whole = ToFloat(n);
  F r = Fma(whole, Set(-0.693359375f), clamped);
  r = Fma(whole, Set(2.12194440e-4f), r);
  F p = Set(1.9875691500e-4f);
  p = Fma(p, r, Set(1.3981999507e-3f));
  p = Fma(p, r, Set(8.3334519073e-3f));
  p = Fma(p, r, Set(4.1665795894e-2f));
  p = Fma(p, r, Set(1.6666665459e-1f));
  p = Fma(p, r, Set(0.5f));
  p = Fma(p, Mul(r, r), Add(r, Set(1.f)));
  return WhereLess(x, lowest, Set(0.f), TimesPowerOfTwo(p, n));
}

RESIDENT_INLINE float ExpOne(float x) {
  float lanes[kLanes];
  Store(lanes, Exp(Set(x)));
  return lanes[0];
}

/** Signed digits of `whole`, the lowest first: its value less the digit, divided by 2^Bits, is left in it. */
template <int Bits>
RESIDENT_INLINE I TakeDigit(I& whole) {
  const I low = ShiftRightSigned<32 - Bits>(ShiftLeft<32 - Bits>(whole));
  whole = ShiftRightSigned<Bits>(SubInt(whole, low));
  return low;
}

void Quantise(const float* x, int groups, int8_t* digits, int8_t* pairs, float* scales, float* sums, size_t stride) {
  constexpr int kVectors = kDigitGroup / kLanes;
  for (int g = 0; g < groups;
       ++g, x += kDigitGroup, digits += kDigitBytes, pairs += kTakesPairs ? kPairGroupBytes : 0) {
    F values[kVectors];
    I largest = SetInt(0);
    for (int i = 0; i < kVectors; ++i) {
      values[i] = Load(x + i * kLanes);
      largest = MaxInt(largest, AndInt(AsInt(values[i]), SetInt(0x7fffffff)));
    }
    int32_t exponent = LargestInt(largest) >> 23;  // biased; every |x| < 2^(exponent − 126)
    if (exponent == 255) {
      for (int i = 0; i < kDigitBytes; ++i) digits[i] = 0;
      for (int i = 0; kTakesPairs && i < kPairRowBytes; ++i) pairs[i] = 0;
      scales[size_t(g) * stride] = sums[size_t(g) * stride] = __builtin_nanf("");
      continue;
    }
    exponent = exponent < 27 ? 27 : exponent;  // below 2^-99 all is 0 to us
    const int32_t up_bits = (275 - exponent) << 23, down_bits = (exponent - 21) << 23;
    float up, down;
    __builtin_memcpy(&up, &up_bits, 4);
    __builtin_memcpy(&down, &down_bits, 4);
    I sum = SetInt(0);
    for (int i = 0; i < kVectors; ++i) {
      const I whole = ToInt(Mul(values[i], Set(up)));
      sum = AddInt(sum, whole);
      I left = whole;
      for (int d = kDigits - 1; d >= 0; --d) StoreBytes(digits + d * kDigitGroup + i * kLanes, TakeDigit<8>(left));
      if constexpr (kTakesPairs) {
        left = whole;
        int8_t *upper = pairs + i * kLanes, *lower = upper + kPairBytes;
        StoreBytes(lower + kDigitGroup, TakeDigit<4>(left));
        StoreBytes(lower, TakeDigit<8>(left));
        StoreBytes(upper + kDigitGroup, TakeDigit<4>(left));
        StoreBytes(upper, left);
      }
    }
    scales[size_t(g) * stride] = down;
    sums[size_t(g) * stride] = float(SumOfInts(sum)) * down;
  }
}

void RmsNorm(const float* x, const float* weight, int n, float eps, float* y) {
  F squares[kPieces];
  for (int j = 0; j < kPieces; ++j) squares[j] = Set(0.f);
  for (int i = 0; i < n; i += kPanelRows) {
    for (int j = 0; j < kPieces; ++j) {
      const F v = Load(x + i + j * kLanes);
      squares[j] = Fma(v, v, squares[j]);
    }
  }
  const float scale = 1.f / __builtin_sqrtf(SumOf16(squares) / float(n) + eps);
  for (int i = 0; i < n; i += kPanelRows) {
    for (int j = 0; j < kPieces; ++j) {
      const int at = i + j * kLanes;
      Store(y + at, Mul(Mul(Load(x + at), Set(scale)), Load(weight + at)));
    }
  }
}

void RotateHalves(float* head, int half, const float* cosines, const float* sines) {
  int i = 0;
  for (; i + kLanes <= half; i += kLanes) {
    const F a = Load(head + i), b = Load(head + half + i), c = Load(cosines + i), s = Load(sines + i);
    Store(head + i, Sub(Mul(a, c), Mul(b, s)));
    Store(head + half + i, Add(Mul(b, c), Mul(a, s)));
  }
  for (; i < half; ++i) {
    const float a = head[i], b = head[half + i];
    head[i] = a * cosines[i] - b * sines[i];
    head[half + i] = b * cosines[i] + a * sines[i];
  }
}

void SiluMultiply(const float* gate, const float* up, int n, float* y) {
  for (int i = 0; i < n; i += kLanes) {
    const F g = Load(gate + i);
    const F sigmoid = Div(Set(1.f), Add(Set(1.f), Exp(Sub(Set(0.f), g))));
    Store(y + i, Mul(Mul(g, sigmoid), Load(up + i)));
  }
}

/** 0.5 x (1 + tanh(u)) = x / (1 + exp(−2u)), u = √(2/π) (x + 0.044715 x³) (Hendrycks and Gimpel 2016). */
void GeluMultiply(const float* gate, const float* up, int n, float* y) {
  for (int i = 0; i < n; i += kLanes) {
    const F g = Load(gate + i);
    const F inner = Mul(g, Fma(Mul(g, g), Set(-2 * 0.7978845608f * 0.044715f), Set(-2 * 0.7978845608f)));
    Store(y + i, Mul(Div(g, Add(Set(1.f), Exp(inner))), Load(up + i)));
  }
}

void ExpWeights(const float* x, int n, float largest, float scale, float* y) {
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    Store(y + i, Exp(Mul(Sub(Load(x + i), Set(largest)), Set(scale))));
  }
  for (; i < n; ++i) y[i] = ExpOne((x[i] - largest) * scale);
}

}  // namespace
