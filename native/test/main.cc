#include <cstdio>
#include <cstring>
#include <exception>
#include <thread>

#include "capture.h"
#include "check.h"
#include "tiny_model.h"

/**
 * Runs all tests; the last line is `N passed, N failed`. With `--write-tiny-model FOLDER`: writes that model instead.
 * With
 * `--capture MODEL TRACE`: records one step (capture.h).
 */
int main(int argc, char** argv) {
  if (argc == 3 && std::strcmp(argv[1], "--write-tiny-model") == 0) {
    TinyModel().Write(argv[2]);
    return 0;
  }
  if (argc == 4 && std::strcmp(argv[1], "--capture") == 0) {
    try {
      CaptureStep(argv[2], argv[3]);
      return 0;
    } catch (const std::exception& error) {
      std::printf("%s\n", error.what());
      return 1;
    }
  }
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
