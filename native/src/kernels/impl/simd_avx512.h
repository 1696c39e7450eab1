// Sixteen lanes: AVX-512 F, BW, VL, DQ and VNNI. Included inside the level's namespace.
#include <immintrin.h>

#include <cstdint>
#include <cstring>

namespace {

constexpr int kLanes = 16;
using F = __m512;
using I = __m512i;
using Bytes = __m512i;

RESIDENT_INLINE F Load(const float* p) { return _mm512_loadu_ps(p); }
RESIDENT_INLINE void Store(float* p, F v) { _mm512_storeu_ps(p, v); }
RESIDENT_INLINE F Set(float v) { return _mm512_set1_ps(v); }
RESIDENT_INLINE F Add(F a, F b) { return _mm512_add_ps(a, b); }
RESIDENT_INLINE F Sub(F a, F b) { return _mm512_sub_ps(a, b); }
RESIDENT_INLINE F Mul(F a, F b) { return _mm512_mul_ps(a, b); }
RESIDENT_INLINE F Div(F a, F b) { return _mm512_div_ps(a, b); }
RESIDENT_INLINE F Fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
RESIDENT_INLINE F Max(F a, F b) { return _mm512_max_ps(a, b); }
RESIDENT_INLINE F WhereLess(F a, F b, F then, F other) {
  return _mm512_mask_mov_ps(other, _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), then);
}

RESIDENT_INLINE I SetInt(int32_t v) { return _mm512_set1_epi32(v); }
RESIDENT_INLINE I AddInt(I a, I b) { return _mm512_add_epi32(a, b); }
RESIDENT_INLINE I SubInt(I a, I b) { return _mm512_sub_epi32(a, b); }
template <int Bits>
RESIDENT_INLINE I ShiftLeft(I a) {
  return _mm512_slli_epi32(a, Bits);
}
template <int Bits>
RESIDENT_INLINE I ShiftRightSigned(I a) {
  return _mm512_srai_epi32(a, Bits);
}
RESIDENT_INLINE F ToFloat(I a) { return _mm512_cvtepi32_ps(a); }
RESIDENT_INLINE I ToInt(F a) { return _mm512_cvtps_epi32(a); }
RESIDENT_INLINE F AsFloat(I a) { return _mm512_castsi512_ps(a); }
RESIDENT_INLINE I AsInt(F a) { return _mm512_castps_si512(a); }
/** p * 2^n, rounded once as two exact factors are. */
RESIDENT_INLINE F TimesPowerOfTwo(F p, I n) { return _mm512_scalef_ps(p, ToFloat(n)); }
RESIDENT_INLINE I MaxInt(I a, I b) { return _mm512_max_epi32(a, b); }
RESIDENT_INLINE I AndInt(I a, I b) { return _mm512_and_si512(a, b); }
RESIDENT_INLINE I LoadInt(const int32_t* p) { return _mm512_loadu_si512(p); }
RESIDENT_INLINE int32_t LargestInt(I v) { return _mm512_reduce_max_epi32(v); }
RESIDENT_INLINE int32_t SumOfInts(I v) { return _mm512_reduce_add_epi32(v); }
RESIDENT_INLINE void StoreBytes(int8_t* p, I v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_cvtepi32_epi8(v));
}

RESIDENT_INLINE F LoadHalf(const uint16_t* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
RESIDENT_INLINE F LoadBrain(const uint16_t* p) {
  return AsFloat(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))), 16));
}
RESIDENT_INLINE F LoadSigned(const int8_t* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
}

RESIDENT_INLINE Bytes LoadBytes(const uint8_t* p) { return _mm512_loadu_si512(p); }
template <int Shift, int Count>
RESIDENT_INLINE Bytes BitsAt(Bytes w) {
  return _mm512_and_si512(_mm512_srli_epi32(w, Shift), _mm512_set1_epi8((1 << Count) - 1));
}
template <int Shift>
RESIDENT_INLINE Bytes JoinBits(Bytes low, Bytes high) {
  return _mm512_or_si512(low, _mm512_slli_epi32(high, Shift));
}

/** Bit `From` of each byte of `w` as bit `To` of the byte, joined with `low`. What a shift brings from a neighbour is
 * masked. */
template <int From, int To>
RESIDENT_INLINE Bytes JoinBit(Bytes low, Bytes w) {
  constexpr int kUp = To > From ? To - From : 0, kDown = From > To ? From - To : 0;
  const Bytes moved = _mm512_srli_epi32(_mm512_slli_epi32(w, kUp), kDown);
  constexpr int kLowOrBoth = 0xF8;  // low | (moved & mask)
  return _mm512_ternarylogic_epi32(low, moved, _mm512_set1_epi8(1 << To), kLowOrBoth);
}

/** The dot products of a group's three digits. Chains that take turns need less of the processor's foresight. */
template <int Bits>
RESIDENT_INLINE void DotThree(const Bytes (&weights)[8], const int8_t* digits, I (&sums)[kDigits]) {
  for (int d = 0; d < kDigits; ++d) sums[d] = _mm512_setzero_si512();
  for (int i = 0; i < 8; ++i) {
    for (int d = 0; d < kDigits; ++d) {
      int32_t four;
      std::memcpy(&four, digits + d * kDigitGroup + 4 * i, 4);
      sums[d] = _mm512_dpbusd_epi32(sums[d], weights[i], _mm512_set1_epi32(four));
    }
  }
}

#ifdef RESIDENT_TILES
// Intel's processors keep more lines under way to the second-level cache than to the first: a step at 4,096 tokens of
// context is 18 % shorter, and asking for floats pays only so.
constexpr auto kPrefetchTo = _MM_HINT_T1;
constexpr bool kAsksForFloats = true;
#else
constexpr auto kPrefetchTo = _MM_HINT_T0;
constexpr bool kAsksForFloats = false;
#endif
RESIDENT_INLINE void PrefetchLine(const void* p) { _mm_prefetch(static_cast<const char*>(p), kPrefetchTo); }

RESIDENT_INLINE float SumOf16(const F (&parts)[1]) {
  const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(parts[0]), _mm512_extractf32x8_ps(parts[0], 1));
  const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
  const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
  return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}
RESIDENT_INLINE float MaxOf16(const F (&parts)[1]) { return _mm512_reduce_max_ps(parts[0]); }

constexpr int kScoreVectors = 4, kMixVectors = 4;

}  // namespace
