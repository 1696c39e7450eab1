// What this processor is. Nothing of the standard library is linked: a test runs this without it.
#include "kernels/level.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__)
#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif
#endif

namespace resident::kernels {
namespace {

#if defined(__x86_64__)
/** CPUID 7.1, EAX bit 4: not every compiler's __builtin_cpu_supports knows its name. */
bool HasAvxVnni() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  return __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx) != 0 && (eax >> 4 & 1) != 0;
}

/** CPUID 7.0, EDX bits 24 and 25, and the system keeps the tiles' state (XCR0 bits 17 and 18). */
bool HasAmxInt8() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0 || (edx >> 24 & 3) != 3) return false;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx >> 27 & 1) == 0) return false;  // OSXSAVE
  unsigned low = 0, high = 0;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (low >> 17 & 3) == 3;
}

/**
 * Linux lets a process use tiles after it has asked for room for their state, once for all its threads (kernel
 * documentation, x86/xstate). Refused where a signal stack in use would be too small for it.
 */
bool TilesAreGranted() {
#if defined(__linux__) && defined(SYS_arch_prctl)
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  static const bool granted = ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return granted;
#else
  return false;
#endif
}

bool ProcessorHas(Level level) {
  switch (level) {
    case Level::kScalar:
      return true;
    case Level::kAvx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
    case Level::kAvxVnni:
      return ProcessorHas(Level::kAvx2) && HasAvxVnni();
    case Level::kAvx512Vnni:
      return ProcessorHas(Level::kAvx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512vnni");
    case Level::kAmxInt8:
      return ProcessorHas(Level::kAvx512Vnni) && HasAmxInt8() && TilesAreGranted();
    case Level::kNeon:
    case Level::kNeonDot:
      return false;
  }
  return false;
}
#elif defined(__aarch64__)
/** FEAT_DotProd: SDOT. Linux: bit 20 of what the kernel says of the processor (asm/hwcap.h, HWCAP_ASIMDDP). */
bool HasDotProducts() {
#if defined(__linux__)
  return (::getauxval(AT_HWCAP) >> 20 & 1) != 0;
#elif defined(__APPLE__)
  int has = 0;
  size_t size = sizeof has;
  return ::sysctlbyname("hw.optional.arm.FEAT_DotProd", &has, &size, nullptr, 0) == 0 && has != 0;
#else
  return false;
#endif
}

/** NEON is part of AArch64. */
bool ProcessorHas(Level level) {
  if (level == Level::kNeonDot) return HasDotProducts();
  return level == Level::kScalar || level == Level::kNeon;
}
#else
bool ProcessorHas(Level level) { return level == Level::kScalar; }
#endif

}  // namespace

std::string_view LevelName(Level level) {
  switch (level) {
    case Level::kScalar:
      return "scalar";
    case Level::kAvx2:
      return "avx2";
    case Level::kAvxVnni:
      return "avxvnni";
    case Level::kAvx512Vnni:
      return "avx512vnni";
    case Level::kAmxInt8:
      return "amxint8";
    case Level::kNeon:
      return "neon";
    case Level::kNeonDot:
      return "neondot";
  }
  return "";
}

bool CanRun(Level level) { return ProcessorHas(level); }

}  // namespace resident::kernels
