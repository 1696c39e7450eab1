// Prints a line for every level that this processor can run and every kind of kernel: level, recorded hash, hash, kind.
// With RESIDENT_ALONE it is a whole program for Linux on Arm: a machine that only emulates Arm has no C library for it.
#include <cstddef>

#include "kernel_digest.h"

#ifdef RESIDENT_ALONE
#include <elf.h>
#else
#include <unistd.h>
#endif

using namespace resident::kernels;

namespace {

#ifdef RESIDENT_ALONE
constexpr long kWrite = 64, kExit = 93;

long Call(long number, long first, long second = 0, long third = 0) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = first;
  register long x1 __asm__("x1") = second;
  register long x2 __asm__("x2") = third;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
  return x0;
}

/** Some data to begin with: QEMU 5 ends with an error where a segment has none. */
constexpr Elf64_auxv_t kNoFacts[] = {{AT_NULL, {0}}};
const Elf64_auxv_t* facts_of_the_system = kNoFacts;
#endif

void Say(const char* text, size_t bytes) {
#ifdef RESIDENT_ALONE
  Call(kWrite, 1, reinterpret_cast<long>(text), long(bytes));
#else
  if (::write(STDOUT_FILENO, text, bytes) < 0) __builtin_trap();
#endif
}

void SayNumber(uint64_t number) {
  char digits[17];
  for (int i = 0; i < 16; ++i) digits[i] = "0123456789abcdef"[number >> (60 - 4 * i) & 15];
  digits[16] = ' ';
  Say(digits, sizeof digits);
}

void SayAll() {
  for (const Level level : kAllLevels) {
    if (!CanRun(level)) continue;
    for (const KernelDigest& digest : kKernelDigests) {
      Say(LevelName(level).data(), LevelName(level).size());
      Say(" ", 1);
      SayNumber(digest.recorded);
      SayNumber(digest.of(TableOf(level)));
      Say(digest.kernels, __builtin_strlen(digest.kernels));
      Say("\n", 1);
    }
  }
}

}  // namespace

#ifdef RESIDENT_ALONE
// Compiled with -fno-builtin, or a loop that is memset would become a call of memset.
extern "C" {

void* memset(void* to, int byte, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) static_cast<char*>(to)[i] = char(byte);
  return to;
}

void* memcpy(void* to, const void* from, size_t bytes) {
  for (size_t i = 0; i < bytes; ++i) static_cast<char*>(to)[i] = static_cast<const char*>(from)[i];
  return to;
}

size_t strlen(const char* text) {
  size_t bytes = 0;
  while (text[bytes] != 0) ++bytes;
  return bytes;
}

unsigned long getauxval(unsigned long type) {
  for (const Elf64_auxv_t* fact = facts_of_the_system; fact->a_type != AT_NULL; ++fact) {
    if (fact->a_type == type) return fact->a_un.a_val;
  }
  return 0;
}

/** The stack begins with the arguments' count; after them and the environment come facts of the system. */
[[noreturn]] void Begin(const long* stack) {
  const long* at = stack + stack[0] + 2;
  while (*at != 0) ++at;
  facts_of_the_system = reinterpret_cast<const Elf64_auxv_t*>(at + 1);
  SayAll();
  Call(kExit, 0);
  __builtin_unreachable();
}

__asm__(".globl _start\n_start: mov x0, sp\n  bl Begin\n");
}
#else
int main() { SayAll(); }
#endif
