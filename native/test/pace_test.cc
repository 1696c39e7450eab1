// File work at the same time as a model's steps: it rests while they run, and never longer.
#include "core/pace.h"

#include <atomic>
#include <optional>
#include <thread>

#include "check.h"

using namespace resident;
using namespace std::chrono_literals;

namespace {

/** Checks that somebody rests until the last of `steps` has ended. */
void CheckRestsUntilEndOf(Pace& pace, std::optional<Pace::Steps>& steps) {
  std::atomic<bool> rested{false};
  std::thread worker([&] {
    pace.Rest(10h);
    rested = true;
  });
  std::this_thread::sleep_for(5ms);
  CHECK(!rested);
  CHECK(pace.stepping());
  steps.reset();
  worker.join();
  CHECK(rested);
  CHECK(!pace.stepping());
}

}  // namespace

TEST("file work rests while steps run, and goes on when they end") {
  Pace pace;
  std::optional<Pace::Steps> steps(std::in_place, pace);
  CheckRestsUntilEndOf(pace, steps);
}

TEST("file work does not rest where nothing runs, nor after nothing") {
  Pace pace;
  pace.Rest(10h);
  const Pace::Steps steps(pace);
  pace.Rest(0ns);
}

TEST("steps of two models count both") {
  Pace pace;
  std::optional<Pace::Steps> one(std::in_place, pace), other(std::in_place, pace);
  one.reset();
  CheckRestsUntilEndOf(pace, other);
}

TEST("between two steps one copy always goes through, more within a tenth of the step") {
  CHECK(MayCopyBetweenSteps(0, 0, 0));
  CHECK(!MayCopyBetweenSteps(1, 0.5, 5));
  CHECK(MayCopyBetweenSteps(1, 0.4, 5));
  CHECK(MayCopyBetweenSteps(7, 9, 100));
}
