#include <immintrin.h>
#define RESIDENT_LEVEL avx2
#define RESIDENT_LEVEL_ENUM kAvx2
#define RESIDENT_SIMD "kernels/impl/simd_avx2.h"
#include "kernels/impl/table.inc"
