#include <immintrin.h>
#define RESIDENT_LEVEL avx512vnni
#define RESIDENT_LEVEL_ENUM kAvx512Vnni
#define RESIDENT_SIMD "kernels/impl/simd_avx512.h"
#include "kernels/impl/table.inc"
