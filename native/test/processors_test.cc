// Where a woken thread runs: a wish, of which little can be tested but that it is one and ends.
#include "core/processors.h"

#include <atomic>
#include <chrono>

#if defined(__linux__)
#include <sched.h>
#endif

#include "check.h"

using namespace resident;

#if defined(__linux__)
namespace {

int Processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  CHECK(::sched_getaffinity(0, sizeof set, &set) == 0);
  return CPU_COUNT(&set);
}

}  // namespace

TEST("a thread that is sent elsewhere loses the sender's processor, if there is another, until it may run anywhere") {
  RunAnywhere();
  const int all = Processors();
  std::atomic<int> stage{0};
  int elsewhere = 0, afterwards = 0;
  std::thread worker([&] {
    while (stage.load() == 0) std::this_thread::yield();
    elsewhere = Processors();
    RunAnywhere();
    afterwards = Processors();
  });
  RunElsewhere(worker);
  stage = 1;
  worker.join();
  CHECK(elsewhere == (all > 1 ? all - 1 : 1));
  CHECK(afterwards == all);
  CHECK(Processors() == all);
}
#endif
