#include <cstdio>
#include <exception>
#include <thread>

#include "check.h"

/** Runs all tests; the last line is `N passed, N failed`. */
int main() {
  int passed = 0, failed = 0;
  for (const check::Test& test : check::Tests()) {
    // Each on a thread of its own: an engine takes its thread's MLX streams with it when it goes.
    std::thread([&] {
      try {
        test.body();
        ++passed;
      } catch (const std::exception& error) {
        ++failed;
        std::printf("FAILED %s\n  %s\n", test.name, error.what());
      }
    }).join();
  }
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
