#pragma once
#include <cstdint>

#include "kernels/kernel_table.h"

/**
 * What the kernels of one kind give for made-up inputs, as a hash of the bits of their results. One recorded number
 * stands for all levels of all processors. Nothing of the standard library is linked, so that this also runs where
 * there is none (emulated/start.cc).
 */
struct KernelDigest {
  const char* kernels;
  uint64_t (*of)(const resident::kernels::KernelTable& table);
  uint64_t recorded;
};

constexpr int kKernelDigestCount = 13;
extern const KernelDigest kKernelDigests[kKernelDigestCount];
