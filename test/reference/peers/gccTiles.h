// Included before every file of llama.cpp. GCC's header for AMX (seen with 12.2) declares 8 of the 64 bytes that
// LDTILECFG reads: the other stores of llama.cpp's tile shapes were removed, and its first tile instruction ended the
// process.
#if defined(__AMX_TILE__) && defined(__GNUC__) && !defined(__clang__)
#include <immintrin.h>
static inline void load_whole_tile_shapes(const void* shapes) {
  __asm__ volatile("ldtilecfg %0" : : "m"(*(const char(*)[64])shapes));
}
#undef _tile_loadconfig
#define _tile_loadconfig load_whole_tile_shapes
#endif
