#define RESIDENT_DOTPROD
#include <arm_neon.h>
#define RESIDENT_LEVEL neondot
#define RESIDENT_LEVEL_ENUM kNeonDot
#define RESIDENT_SIMD "kernels/impl/simd_neon.h"
#include "kernels/impl/table.inc"
