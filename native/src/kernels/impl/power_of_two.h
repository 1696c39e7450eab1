// Included by the simd headers of the levels that have no instruction for it.

namespace {

/** p * 2^n, in two factors: n reaches 128, whose power is no float. */
RESIDENT_INLINE F TimesPowerOfTwo(F p, I n) {
  const I half = ShiftRightSigned<1>(n);
  const F low = AsFloat(ShiftLeft<23>(AddInt(half, SetInt(127))));
  const F high = AsFloat(ShiftLeft<23>(AddInt(SubInt(n, half), SetInt(127))));
  return Mul(Mul(p, low), high);
}

}  // namespace
