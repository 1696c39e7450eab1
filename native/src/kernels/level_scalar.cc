#define RESIDENT_LEVEL scalar
#define RESIDENT_LEVEL_ENUM kScalar
#define RESIDENT_SIMD "kernels/impl/simd_scalar.h"
#include "kernels/impl/table.inc"
