#include "core/processors.h"

#if defined(__linux__)
#include <pthread.h>
#include <sched.h>
#endif

namespace resident {

#if defined(__linux__)
namespace {

/** Those of the first thread that asks: later ones may have been sent elsewhere. */
const cpu_set_t& Allowed() {
  static const cpu_set_t allowed = [] {
    cpu_set_t all;
    CPU_ZERO(&all);
    ::sched_getaffinity(0, sizeof all, &all);  // more processors than fit: none is known, and every wish is void
    return all;
  }();
  return allowed;
}

}  // namespace

void RunElsewhere(std::thread& thread) {
  const int here = ::sched_getcpu();
  cpu_set_t others = Allowed();
  if (here < 0 || here >= CPU_SETSIZE) return;
  CPU_CLR(here, &others);
  if (CPU_COUNT(&others) > 0) ::pthread_setaffinity_np(thread.native_handle(), sizeof others, &others);
}

void RunAnywhere() {
  const cpu_set_t& all = Allowed();
  if (CPU_COUNT(&all) > 0) ::sched_setaffinity(0, sizeof all, &all);
}
#else
void RunElsewhere(std::thread&) {}
void RunAnywhere() {}
#endif

}  // namespace resident
