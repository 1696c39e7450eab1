// Eight lanes: AVX2, FMA, F16C; with RESIDENT_AVX_VNNI the 256-bit integer dot product. Included inside the level's
// namespace.
#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace {

constexpr int kLanes = 8;
using F = __m256;
using I = __m256i;
using Bytes = __m256i;

RESIDENT_INLINE F Load(const float* p) { return _mm256_loadu_ps(p); }
RESIDENT_INLINE void Store(float* p, F v) { _mm256_storeu_ps(p, v); }
RESIDENT_INLINE F Set(float v) { return _mm256_set1_ps(v); }
RESIDENT_INLINE F Add(F a, F b) { return _mm256_add_ps(a, b); }
RESIDENT_INLINE F Sub(F a, F b) { return _mm256_sub_ps(a, b); }
RESIDENT_INLINE F Mul(F a, F b) { return _mm256_mul_ps(a, b); }
RESIDENT_INLINE F Div(F a, F b) { return _mm256_div_ps(a, b); }
RESIDENT_INLINE F Fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
RESIDENT_INLINE F Max(F a, F b) { return _mm256_max_ps(a, b); }
RESIDENT_INLINE F WhereLess(F a, F b, F then, F other) {
  return _mm256_blendv_ps(other, then, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}

RESIDENT_INLINE I SetInt(int32_t v) { return _mm256_set1_epi32(v); }
RESIDENT_INLINE I AddInt(I a, I b) { return _mm256_add_epi32(a, b); }
RESIDENT_INLINE I SubInt(I a, I b) { return _mm256_sub_epi32(a, b); }
template <int Bits>
RESIDENT_INLINE I ShiftLeft(I a) {
  return _mm256_slli_epi32(a, Bits);
}
template <int Bits>
RESIDENT_INLINE I ShiftRightSigned(I a) {
  return _mm256_srai_epi32(a, Bits);
}
RESIDENT_INLINE F ToFloat(I a) { return _mm256_cvtepi32_ps(a); }
RESIDENT_INLINE I ToInt(F a) { return _mm256_cvtps_epi32(a); }
RESIDENT_INLINE F AsFloat(I a) { return _mm256_castsi256_ps(a); }
RESIDENT_INLINE I AsInt(F a) { return _mm256_castps_si256(a); }
RESIDENT_INLINE I MaxInt(I a, I b) { return _mm256_max_epi32(a, b); }
RESIDENT_INLINE I AndInt(I a, I b) { return _mm256_and_si256(a, b); }
RESIDENT_INLINE int32_t LargestInt(I v) {
  const __m128i four = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  const __m128i two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_max_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}
RESIDENT_INLINE int32_t SumOfInts(I v) {
  const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
  return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
}
RESIDENT_INLINE void StoreBytes(int8_t* p, I v) {
  const __m256i picked =
      _mm256_shuffle_epi8(v, _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8, 12,
                                              -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1));
  const int32_t low = _mm256_extract_epi32(picked, 0), high = _mm256_extract_epi32(picked, 4);
  std::memcpy(p, &low, 4);
  std::memcpy(p + 4, &high, 4);
}

RESIDENT_INLINE F LoadHalf(const uint16_t* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
RESIDENT_INLINE F LoadBrain(const uint16_t* p) {
  return AsFloat(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))), 16));
}
RESIDENT_INLINE F LoadSigned(const int8_t* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
}

RESIDENT_INLINE Bytes LoadBytes(const uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
template <int Shift, int Count>
RESIDENT_INLINE Bytes BitsAt(Bytes w) {
  return _mm256_and_si256(_mm256_srli_epi32(w, Shift), _mm256_set1_epi8((1 << Count) - 1));
}
template <int Shift>
RESIDENT_INLINE Bytes JoinBits(Bytes low, Bytes high) {
  return _mm256_or_si256(low, _mm256_slli_epi32(high, Shift));
}
/** Bit `From` of each byte of `w` as bit `To` of the byte, joined with `low`. What a shift brings from a neighbour is
 * masked. */
template <int From, int To>
RESIDENT_INLINE Bytes JoinBit(Bytes low, Bytes w) {
  constexpr int kUp = To > From ? To - From : 0, kDown = From > To ? From - To : 0;
  const Bytes moved = _mm256_srli_epi32(_mm256_slli_epi32(w, kUp), kDown);
  return _mm256_or_si256(low, _mm256_and_si256(moved, _mm256_set1_epi8(1 << To)));
}

RESIDENT_INLINE __m256i Broadcast4(const int8_t* digits) {
  int32_t four;
  std::memcpy(&four, digits, 4);
  return _mm256_set1_epi32(four);
}

#if defined(RESIDENT_AVX_VNNI)
template <int Bits>
RESIDENT_INLINE I DotGroup(I start, const Bytes (&weights)[8], const int8_t* digits) {
  for (int i = 0; i < 8; ++i) start = _mm256_dpbusd_avx_epi32(start, weights[i], Broadcast4(digits + 4 * i));
  return start;
}
#else
/** Weights below 16: eight products of pairs stay within 16 bits (8 * 2 * 15 * 128 = 30,720). */
RESIDENT_INLINE I DotNibbles(const Bytes (&weights)[8], const int8_t* digits) {
  __m256i sum = _mm256_maddubs_epi16(weights[0], Broadcast4(digits));
  for (int i = 1; i < 8; ++i) {
    sum = _mm256_add_epi16(sum, _mm256_maddubs_epi16(weights[i], Broadcast4(digits + 4 * i)));
  }
  return _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
}
template <int Bits>
RESIDENT_INLINE I DotGroup(I start, const Bytes (&weights)[8], const int8_t* digits) {
  if constexpr (Bits <= 4) return AddInt(start, DotNibbles(weights, digits));
  // maddubs would saturate with whole bytes.
  Bytes low[8], high[8];
  for (int i = 0; i < 8; ++i) low[i] = BitsAt<0, 4>(weights[i]), high[i] = BitsAt<4, 4>(weights[i]);
  return AddInt(start, AddInt(DotNibbles(low, digits), ShiftLeft<4>(DotNibbles(high, digits))));
}
#endif

template <int Bits>
RESIDENT_INLINE void DotThree(const Bytes (&weights)[8], const int8_t* digits, I (&sums)[kDigits]) {
  for (int d = 0; d < kDigits; ++d) sums[d] = DotGroup<Bits>(SetInt(0), weights, digits + d * kDigitGroup);
}

constexpr bool kAsksForFloats = false;
RESIDENT_INLINE void PrefetchLine(const void* p) { _mm_prefetch(static_cast<const char*>(p), _MM_HINT_T0); }

RESIDENT_INLINE float SumOf8(__m256 v) {
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
RESIDENT_INLINE float SumOf16(const F (&parts)[2]) { return SumOf8(_mm256_add_ps(parts[0], parts[1])); }
RESIDENT_INLINE float MaxOf16(const F (&parts)[2]) {
  const __m256 v = _mm256_max_ps(parts[0], parts[1]);
  const __m128 four = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

constexpr int kScoreVectors = 2, kMixVectors = 2;

}  // namespace
#include "kernels/impl/power_of_two.h"
