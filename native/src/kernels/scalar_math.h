#pragma once

namespace resident::kernels {

// Elementary functions in double precision from additions and multiplications alone, so that tables made of them are
// the same on every platform; libm's results differ in the last bits. Errors are below 4e-16 relative to the result
// (for sine and cosine: absolute, |x| < 1e7).

double ExpDouble(double x);  // |x| < 700
double LogDouble(double x);  // normal, positive
inline double PowDouble(double base, double exponent) { return ExpDouble(exponent * LogDouble(base)); }
void SinCosDouble(double x, double& sine, double& cosine);

}  // namespace resident::kernels
