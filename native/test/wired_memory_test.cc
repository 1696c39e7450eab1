// How much a GPU keeps wired, and for how long.
#include "core/wired_memory.h"

#include <vector>

#include "check.h"

using namespace resident;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  std::vector<uint64_t> limits;
  WiredMemory::Time now{};
  WiredMemory wired{[this](uint64_t bytes) { limits.push_back(bytes); }};
};

}  // namespace

TEST("the wired limit is the model, the pool and room for a step, and never above the recommended working set") {
  constexpr uint64_t kGigabyte = uint64_t(1) << 30;
  CHECK_EQUAL(WiredLimit(4 * kGigabyte, 2 * kGigabyte, 12 * kGigabyte), 6 * kGigabyte + kGigabyte / 2);
  CHECK_EQUAL(WiredLimit(8 * kGigabyte, 4 * kGigabyte, 12 * kGigabyte), 12 * kGigabyte);
  CHECK_EQUAL(WiredLimit(8 * kGigabyte, 4 * kGigabyte, 0), uint64_t(0));
}

TEST("memory stays wired over runs that follow each other, and is let go some seconds after the last") {
  Fixture f;
  CHECK(!f.wired.lift_at());
  for (int run = 0; run < 3; ++run) {
    f.wired.BeginRun(700);
    CHECK(!f.wired.lift_at());
    f.now += 60s;  // longer than it is kept when idle
    f.wired.LiftWhenIdle(f.now);
    f.wired.EndRun(f.now);
    f.now += 2s;
    f.wired.LiftWhenIdle(f.now);
  }
  CHECK_EQUAL(f.limits, std::vector<uint64_t>{700});
  CHECK(f.wired.lift_at() == f.now - 2s + WiredMemory::kIdle);
  f.now = *f.wired.lift_at();
  f.wired.LiftWhenIdle(f.now);
  CHECK_EQUAL(f.limits, (std::vector<uint64_t>{700, 0}));
  CHECK(!f.wired.lift_at());
  f.wired.BeginRun(700);
  CHECK_EQUAL(f.limits, (std::vector<uint64_t>{700, 0, 700}));
}

TEST("where there is nothing to wire nobody is told, and nothing has to be let go later") {
  Fixture f;
  f.wired.BeginRun(WiredLimit(700, 200, 0));
  f.wired.EndRun(f.now);
  CHECK(!f.wired.lift_at());
  CHECK(f.limits.empty());
}

TEST("another pool has another limit, and nothing is wired once the memory is freed") {
  Fixture f;
  f.wired.BeginRun(700);
  f.wired.EndRun(f.now);
  f.wired.BeginRun(900);
  f.wired.EndRun(f.now);
  f.wired.Lift();
  f.wired.Lift();
  CHECK_EQUAL(f.limits, (std::vector<uint64_t>{700, 900, 0}));
  CHECK(!f.wired.lift_at());
}
