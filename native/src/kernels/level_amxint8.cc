#include <immintrin.h>
#define RESIDENT_LEVEL amxint8
#define RESIDENT_LEVEL_ENUM kAmxInt8
#define RESIDENT_SIMD "kernels/impl/simd_avx512.h"
#define RESIDENT_TILES
#include "kernels/impl/table.inc"
