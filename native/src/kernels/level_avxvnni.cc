#define RESIDENT_AVX_VNNI
#include <immintrin.h>
#define RESIDENT_LEVEL avxvnni
#define RESIDENT_LEVEL_ENUM kAvxVnni
#define RESIDENT_SIMD "kernels/impl/simd_avx2.h"
#include "kernels/impl/table.inc"
