// Four lanes: AArch64's NEON; with RESIDENT_DOTPROD its integer dot product (FEAT_DotProd). Included inside the level's
// namespace.
#include <arm_neon.h>

#include <cstdint>
#include <cstring>

namespace {

constexpr int kLanes = 4;
using F = float32x4_t;
using I = int32x4_t;
using Bytes = uint8x16_t;

RESIDENT_INLINE F Load(const float* p) { return vld1q_f32(p); }
RESIDENT_INLINE void Store(float* p, F v) { vst1q_f32(p, v); }
RESIDENT_INLINE F Set(float v) { return vdupq_n_f32(v); }
RESIDENT_INLINE F Add(F a, F b) { return vaddq_f32(a, b); }
RESIDENT_INLINE F Sub(F a, F b) { return vsubq_f32(a, b); }
RESIDENT_INLINE F Mul(F a, F b) { return vmulq_f32(a, b); }
RESIDENT_INLINE F Div(F a, F b) { return vdivq_f32(a, b); }
RESIDENT_INLINE F Fma(F a, F b, F c) { return vfmaq_f32(c, a, b); }
RESIDENT_INLINE F WhereLess(F a, F b, F then, F other) { return vbslq_f32(vcltq_f32(a, b), then, other); }
/** `b` where one of them is NaN, as on x86: FMAX would make it NaN. */
RESIDENT_INLINE F Max(F a, F b) { return WhereLess(b, a, a, b); }

RESIDENT_INLINE I SetInt(int32_t v) { return vdupq_n_s32(v); }
RESIDENT_INLINE I AddInt(I a, I b) { return vaddq_s32(a, b); }
RESIDENT_INLINE I SubInt(I a, I b) { return vsubq_s32(a, b); }
template <int Bits>
RESIDENT_INLINE I ShiftLeft(I a) {
  return vshlq_n_s32(a, Bits);
}
template <int Bits>
RESIDENT_INLINE I ShiftRightSigned(I a) {
  return vshrq_n_s32(a, Bits);
}
RESIDENT_INLINE F ToFloat(I a) { return vcvtq_f32_s32(a); }
RESIDENT_INLINE I ToInt(F a) { return vcvtnq_s32_f32(a); }
RESIDENT_INLINE F AsFloat(I a) { return vreinterpretq_f32_s32(a); }
RESIDENT_INLINE I AsInt(F a) { return vreinterpretq_s32_f32(a); }
RESIDENT_INLINE I MaxInt(I a, I b) { return vmaxq_s32(a, b); }
RESIDENT_INLINE I AndInt(I a, I b) { return vandq_s32(a, b); }
RESIDENT_INLINE int32_t LargestInt(I v) { return vmaxvq_s32(v); }
RESIDENT_INLINE int32_t SumOfInts(I v) { return vaddvq_s32(v); }
RESIDENT_INLINE void StoreBytes(int8_t* p, I v) {
  const int16x4_t halves = vmovn_s32(v);
  const int32_t four = vget_lane_s32(vreinterpret_s32_s8(vmovn_s16(vcombine_s16(halves, halves))), 0);
  std::memcpy(p, &four, 4);
}

RESIDENT_INLINE F LoadHalf(const uint16_t* p) { return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p))); }
RESIDENT_INLINE F LoadBrain(const uint16_t* p) { return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16)); }
RESIDENT_INLINE F LoadSigned(const int8_t* p) {
  int32_t four;
  std::memcpy(&four, p, 4);
  const int16x8_t wide = vmovl_s8(vreinterpret_s8_s32(vdup_n_s32(four)));
  return vcvtq_f32_s32(vmovl_s16(vget_low_s16(wide)));
}

RESIDENT_INLINE Bytes LoadBytes(const uint8_t* p) { return vld1q_u8(p); }
template <int Shift, int Count>
RESIDENT_INLINE Bytes BitsAt(Bytes w) {
  if constexpr (Shift > 0) w = vshrq_n_u8(w, Shift);
  return Shift + Count == 8 ? w : vandq_u8(w, vdupq_n_u8((1 << Count) - 1));
}
template <int Shift>
RESIDENT_INLINE Bytes JoinBits(Bytes low, Bytes high) {
  return vorrq_u8(low, vshlq_n_u8(high, Shift));
}
/** Bit `From` of each byte of `w` as bit `To` of the byte, joined with `low`. */
template <int From, int To>
RESIDENT_INLINE Bytes JoinBit(Bytes low, Bytes w) {
  return JoinBits<To>(low, BitsAt<From, 1>(w));
}

#if defined(RESIDENT_DOTPROD)
/** Adds the products of signed bytes: of each lane's 32 weights with 32 digits. */
RESIDENT_INLINE I DotSigned(I start, const int8x16_t (&weights)[8], const int8_t* digits) {
  const int8x16_t low = vld1q_s8(digits), high = vld1q_s8(digits + 16);
  start = vdotq_laneq_s32(start, weights[0], low, 0);
  start = vdotq_laneq_s32(start, weights[1], low, 1);
  start = vdotq_laneq_s32(start, weights[2], low, 2);
  start = vdotq_laneq_s32(start, weights[3], low, 3);
  start = vdotq_laneq_s32(start, weights[4], high, 0);
  start = vdotq_laneq_s32(start, weights[5], high, 1);
  start = vdotq_laneq_s32(start, weights[6], high, 2);
  return vdotq_laneq_s32(start, weights[7], high, 3);
}

/** In each of four lanes a part of 128 times the sum of 32 digits. */
RESIDENT_INLINE I PartsOfSum(const int8_t* digits) {
  const int8x16_t ones = vdupq_n_s8(1);
  return vdotq_s32(vdotq_s32(SetInt(0), vld1q_s8(digits), ones), vld1q_s8(digits + 16), ones);
}

template <int Bits>
RESIDENT_INLINE void DotThree(const Bytes (&weights)[8], const int8_t* digits, I (&sums)[kDigits]) {
  int8x16_t signed_weights[8];
  if constexpr (Bits < 8) {
    for (int i = 0; i < 8; ++i) signed_weights[i] = vreinterpretq_s8_u8(weights[i]);
    for (int d = 0; d < kDigits; ++d) sums[d] = DotSigned(SetInt(0), signed_weights, digits + d * kDigitGroup);
  } else {
    // The instruction takes signed bytes: weights less 128, and 128 times the digits' sum to begin with.
    for (int i = 0; i < 8; ++i) signed_weights[i] = vreinterpretq_s8_u8(veorq_u8(weights[i], vdupq_n_u8(128)));
    const I first = PartsOfSum(digits), second = PartsOfSum(digits + kDigitGroup);
    const I third = PartsOfSum(digits + 2 * kDigitGroup);
    const I start = ShiftLeft<7>(vpaddq_s32(vpaddq_s32(first, second), vpaddq_s32(third, third)));
    sums[0] = DotSigned(vdupq_laneq_s32(start, 0), signed_weights, digits);
    sums[1] = DotSigned(vdupq_laneq_s32(start, 1), signed_weights, digits + kDigitGroup);
    sums[2] = DotSigned(vdupq_laneq_s32(start, 2), signed_weights, digits + 2 * kDigitGroup);
  }
}
#else
/** Weights below 16: eight products stay within 16 bits (8 * 15 * 128 = 15,360). */
RESIDENT_INLINE I DotNibbles(const Bytes (&weights)[8], const int8_t* digits) {
  int16x8_t low = vdupq_n_s16(0), high = vdupq_n_s16(0);
  for (int i = 0; i < 8; ++i) {
    int32_t four;
    std::memcpy(&four, digits + 4 * i, 4);
    const int8x16_t w = vreinterpretq_s8_u8(weights[i]), d = vreinterpretq_s8_s32(vdupq_n_s32(four));
    low = vmlal_s8(low, vget_low_s8(w), vget_low_s8(d));
    high = vmlal_high_s8(high, w, d);
  }
  return vpaddq_s32(vpaddlq_s16(low), vpaddlq_s16(high));
}

template <int Bits>
RESIDENT_INLINE void DotThree(const Bytes (&weights)[8], const int8_t* digits, I (&sums)[kDigits]) {
  if constexpr (Bits <= 4) {
    for (int d = 0; d < kDigits; ++d) sums[d] = DotNibbles(weights, digits + d * kDigitGroup);
  } else {
    Bytes low[8], high[8];
    for (int i = 0; i < 8; ++i) low[i] = BitsAt<0, 4>(weights[i]), high[i] = BitsAt<4, 4>(weights[i]);
    for (int d = 0; d < kDigits; ++d) {
      const int8_t* of = digits + d * kDigitGroup;
      sums[d] = AddInt(DotNibbles(low, of), ShiftLeft<4>(DotNibbles(high, of)));
    }
  }
}
#endif

constexpr bool kAsksForFloats = false;
RESIDENT_INLINE void PrefetchLine(const void* p) { __builtin_prefetch(p); }

RESIDENT_INLINE float SumOf16(const F (&parts)[4]) {
  const F four = vaddq_f32(vaddq_f32(parts[0], parts[2]), vaddq_f32(parts[1], parts[3]));
  const float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));
  return vget_lane_f32(two, 0) + vget_lane_f32(two, 1);
}
RESIDENT_INLINE float MaxOf16(const F (&parts)[4]) {
  return vmaxvq_f32(Max(Max(parts[0], parts[2]), Max(parts[1], parts[3])));
}

constexpr int kScoreVectors = 4, kMixVectors = 4;

}  // namespace
#include "kernels/impl/power_of_two.h"
