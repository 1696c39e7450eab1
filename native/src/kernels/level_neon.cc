#include <arm_neon.h>
#define RESIDENT_LEVEL neon
#define RESIDENT_LEVEL_ENUM kNeon
#define RESIDENT_SIMD "kernels/impl/simd_neon.h"
#include "kernels/impl/table.inc"
