#include "kernels/scalar_math.h"

#include <bit>
#include <cstdint>

namespace resident::kernels {
namespace {

constexpr double kLn2High = 6.93147180369123816490e-01, kLn2Low = 1.90821492927058770002e-10;  // fdlibm
constexpr double kInverseLn2 = 1.44269504088896338700;
// pi / 2 in three pieces of 33 bits (fdlibm, e_rem_pio2.c): whole multiples of the first two are exact.
constexpr double kHalfPi1 = 1.57079632673412561417e+00, kHalfPi2 = 6.07710050630396597660e-11,
                 kHalfPi3 = 2.02226624879595063154e-21;
constexpr double kTwoOverPi = 6.36619772367581382433e-01;

int64_t Round(double x) { return int64_t(x < 0 ? x - 0.5 : x + 0.5); }

double TimesPowerOf2(double x, int64_t n) { return x * std::bit_cast<double>(uint64_t(n + 1023) << 52); }

/** Taylor series from the smallest term: |x| ≤ pi / 4. */
double SineSeries(double x) {
  const double z = x * x;
  double sum = 0;
  for (int k = 21; k >= 3; k -= 2) sum = z / double(k * (k - 1)) * (1 - sum);
  return x - x * sum;
}

double CosineSeries(double x) {
  const double z = x * x;
  double sum = 0;
  for (int k = 20; k >= 2; k -= 2) sum = z / double(k * (k - 1)) * (1 - sum);
  return 1 - sum;
}

}  // namespace

double ExpDouble(double x) {
  const int64_t n = Round(x * kInverseLn2);
  const double r = x - double(n) * kLn2High - double(n) * kLn2Low;
  double sum = 1;
  for (int k = 16; k >= 1; --k) sum = 1 + r / double(k) * sum;
  return TimesPowerOf2(sum, n);
}

double LogDouble(double x) {
  const uint64_t bits = std::bit_cast<uint64_t>(x);
  int64_t exponent = int64_t(bits >> 52) - 1023;
  double mantissa = std::bit_cast<double>((bits & 0xfffffffffffffull) | 0x3ff0000000000000ull);  // [1, 2)
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    ++exponent;
  }
  // log(m) = 2 atanh(s), s = (m − 1) / (m + 1), |s| < 0.172
  const double s = (mantissa - 1) / (mantissa + 1), z = s * s;
  double sum = 0;
  for (int k = 23; k >= 3; k -= 2) sum = z * (1 / double(k) + sum);
  return double(exponent) * kLn2High + (2 * s * (1 + sum) + double(exponent) * kLn2Low);
}

void SinCosDouble(double x, double& sine, double& cosine) {
  const int64_t n = Round(x * kTwoOverPi);
  const double r = ((x - double(n) * kHalfPi1) - double(n) * kHalfPi2) - double(n) * kHalfPi3;
  const double s = SineSeries(r), c = CosineSeries(r);
  switch (n & 3) {
    case 0:
      sine = s, cosine = c;
      break;
    case 1:
      sine = c, cosine = -s;
      break;
    case 2:
      sine = -s, cosine = -c;
      break;
    default:
      sine = -c, cosine = s;
  }
}

}  // namespace resident::kernels
