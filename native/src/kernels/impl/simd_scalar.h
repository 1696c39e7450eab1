// One lane: the oracle of all other levels. Included inside the level's namespace.
#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

constexpr int kLanes = 1;
using F = float;
using I = int32_t;
using Bytes = uint32_t;  // four weights of each lane's row

RESIDENT_INLINE F Load(const float* p) { return *p; }
RESIDENT_INLINE void Store(float* p, F v) { *p = v; }
RESIDENT_INLINE F Set(float v) { return v; }
RESIDENT_INLINE F Add(F a, F b) { return a + b; }
RESIDENT_INLINE F Sub(F a, F b) { return a - b; }
RESIDENT_INLINE F Mul(F a, F b) { return a * b; }
RESIDENT_INLINE F Div(F a, F b) { return a / b; }
RESIDENT_INLINE F Fma(F a, F b, F c) { return __builtin_fmaf(a, b, c); }
RESIDENT_INLINE F Max(F a, F b) { return a > b ? a : b; }
/** `then` where a < b, otherwise `other`. */
RESIDENT_INLINE F WhereLess(F a, F b, F then, F other) { return a < b ? then : other; }

RESIDENT_INLINE I SetInt(int32_t v) { return v; }
RESIDENT_INLINE I AddInt(I a, I b) { return int32_t(uint32_t(a) + uint32_t(b)); }
RESIDENT_INLINE I SubInt(I a, I b) { return int32_t(uint32_t(a) - uint32_t(b)); }
template <int Bits>
RESIDENT_INLINE I ShiftLeft(I a) {
  return int32_t(uint32_t(a) << Bits);
}
template <int Bits>
RESIDENT_INLINE I ShiftRightSigned(I a) {
  return a >> Bits;
}
RESIDENT_INLINE F ToFloat(I a) { return float(a); }
/** To nearest, ties to even. */
RESIDENT_INLINE I ToInt(F a) { return int32_t(__builtin_lrintf(a)); }
RESIDENT_INLINE F AsFloat(I a) {
  float f;
  std::memcpy(&f, &a, 4);
  return f;
}
RESIDENT_INLINE int32_t BitsOf(float a) {
  int32_t i;
  std::memcpy(&i, &a, 4);
  return i;
}
RESIDENT_INLINE I AsInt(F a) { return BitsOf(a); }
RESIDENT_INLINE I MaxInt(I a, I b) { return a > b ? a : b; }
RESIDENT_INLINE I AndInt(I a, I b) { return a & b; }
RESIDENT_INLINE int32_t LargestInt(I v) { return v; }
RESIDENT_INLINE int32_t SumOfInts(I v) { return v; }
/** The low byte of every lane. */
RESIDENT_INLINE void StoreBytes(int8_t* p, I v) { *p = int8_t(v); }

RESIDENT_INLINE F LoadHalf(const uint16_t* p) {
  const uint32_t h = *p, sign = (h & 0x8000u) << 16, magnitude = h & 0x7fffu;
  uint32_t bits;
  if (magnitude >= 0x7c00u) {
    bits = sign | 0x7f800000u | (magnitude & 0x3ffu) << 13;
  } else if (magnitude >= 0x400u) {
    bits = sign | (magnitude + 0x1c000u) << 13;
  } else {
    return (sign ? -1.f : 1.f) * float(magnitude) * 0x1.0p-24f;
  }
  return AsFloat(I(bits));
}
RESIDENT_INLINE F LoadBrain(const uint16_t* p) { return AsFloat(I(uint32_t(*p) << 16)); }
/** Signed bytes as floats. */
RESIDENT_INLINE F LoadSigned(const int8_t* p) { return float(*p); }

RESIDENT_INLINE Bytes LoadBytes(const uint8_t* p) {
  Bytes w;
  std::memcpy(&w, p, 4);
  return w;
}
/** `Count` bits of every byte, from bit `Shift` on. */
template <int Shift, int Count>
RESIDENT_INLINE Bytes BitsAt(Bytes w) {
  return w >> Shift & ((1u << Count) - 1) * 0x01010101u;
}
/** Every byte of `low` with that of `high` above its lowest `Shift` bits. */
template <int Shift>
RESIDENT_INLINE Bytes JoinBits(Bytes low, Bytes high) {
  return low | high << Shift;
}
/** Bit `From` of each byte of `w` as bit `To` of the byte, joined with `low`. */
template <int From, int To>
RESIDENT_INLINE Bytes JoinBit(Bytes low, Bytes w) {
  return JoinBits<To>(low, BitsAt<From, 1>(w));
}

/** `start` + the dot product of each lane's 32 weights with 32 digits. */
template <int Bits>
RESIDENT_INLINE I DotGroup(I start, const Bytes (&weights)[8], const int8_t* digits) {
  for (int i = 0; i < 8; ++i) {
    for (int b = 0; b < 4; ++b) start += int32_t(weights[i] >> (8 * b) & 0xff) * int32_t(digits[4 * i + b]);
  }
  return start;
}

template <int Bits>
RESIDENT_INLINE void DotThree(const Bytes (&weights)[8], const int8_t* digits, I (&sums)[kDigits]) {
  for (int d = 0; d < kDigits; ++d) sums[d] = DotGroup<Bits>(SetInt(0), weights, digits + d * kDigitGroup);
}

constexpr bool kAsksForFloats = false;
RESIDENT_INLINE void PrefetchLine(const void*) {}

/** 16 virtual lanes added as a tree: i with i + 8, then i + 4, i + 2, i + 1. */
RESIDENT_INLINE float SumOf16(const F (&parts)[16]) {
  float t[16];
  for (int i = 0; i < 16; ++i) t[i] = parts[i];
  for (int half = 8; half > 0; half /= 2) {
    for (int i = 0; i < half; ++i) t[i] += t[i + half];
  }
  return t[0];
}
RESIDENT_INLINE float MaxOf16(const F (&parts)[16]) {
  float largest = parts[0];
  for (int i = 1; i < 16; ++i) largest = parts[i] > largest ? parts[i] : largest;
  return largest;
}

constexpr int kScoreVectors = 4, kMixVectors = 4;

}  // namespace
#include "kernels/impl/power_of_two.h"
