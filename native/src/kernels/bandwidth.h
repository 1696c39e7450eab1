#pragma once
#include <cstddef>

#include "kernels/thread_pool.h"

namespace resident::kernels {

/**
 * Bytes a second that all threads of the pool read from memory together: the median of some passes over `bytes`, which
 * should be more than the caches hold. The roof over every step that reads its weights once. Throws std::bad_alloc.
 */
double MeasureReadBandwidth(ThreadPool& pool, size_t bytes);

}  // namespace resident::kernels
