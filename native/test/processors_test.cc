// How many processors there are, and where a woken thread runs.
#include "core/processors.h"

#include <atomic>
#include <map>

#if defined(__linux__)
#include <pthread.h>
#endif

#include "check.h"

using namespace resident;

TEST("of a quota the whole processors count, and one is always there") {
  CHECK_EQUAL(WithinQuota(8, std::nullopt), 8);
  CHECK_EQUAL(WithinQuota(8, 2.0), 2);
  CHECK_EQUAL(WithinQuota(8, 2.9), 2);
  CHECK_EQUAL(WithinQuota(8, 0.5), 1);
  CHECK_EQUAL(WithinQuota(2, 64.0), 2);
  CHECK_EQUAL(WithinQuota(0, std::nullopt), 1);
}

TEST("something computes") {
  CHECK(ComputeThreads() >= 1);
  CHECK(ComputeThreads() <= UsableProcessors());
}

#if defined(__linux__)
namespace {

size_t Processors() { return ProcessorSet::OfThisThread()->size(); }

/** As the kernel of a machine with so many processors, of which every `step`-th is allowed. */
ProcessorSet::Get KernelWith(size_t processors, size_t step) {
  return [=](size_t bytes, cpu_set_t* set) {
    if (bytes * 8 < processors) return EINVAL;
    CPU_ZERO_S(bytes, set);
    for (size_t i = 0; i < processors; i += step) CPU_SET_S(i, bytes, set);
    return 0;
  };
}

}  // namespace

TEST("more processors than a cpu_set_t holds are counted") {
  for (const size_t processors : {size_t(1), size_t(64), size_t(1024), size_t(1025), size_t(5000)}) {
    const std::optional<ProcessorSet> set = ProcessorSet::Read(KernelWith(processors, 1));
    CHECK(set.has_value());
    CHECK_EQUAL(set->size(), processors);
    CHECK_EQUAL(set->Numbers().back(), int(processors) - 1);
    CHECK_EQUAL(set->Without(int(processors) - 1).size(), processors - 1);
  }
  CHECK(!ProcessorSet::Read([](size_t, cpu_set_t*) { return EPERM; }));
  CHECK(!ProcessorSet::Read([](size_t, cpu_set_t*) { return EINVAL; }));
}

TEST("cores are counted, not the threads that share one") {
  std::map<std::string, std::string> files;
  const auto add = [&](int processor, int package, int core) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(processor) + "/topology/";
    files[folder + "physical_package_id"] = std::to_string(package) + "\n";
    files[folder + "core_id"] = std::to_string(core) + "\n";
  };
  const auto read = [&](const std::string& path) -> std::optional<std::string> {
    if (const auto found = files.find(path); found != files.end()) return found->second;
    return std::nullopt;
  };
  CHECK_EQUAL(CoresOf({0, 1, 5000}, read), 3);  // sysfs says nothing: each is a core
  for (int i = 0; i < 2048; ++i) add(i, i / 1024, i % 512);
  CHECK_EQUAL(CoresOf(ProcessorSet::Read(KernelWith(2048, 1))->Numbers(), read), 1024);
  CHECK_EQUAL(CoresOf({0, 512, 1, 513}, read), 2);
}

TEST("a thread that is sent elsewhere loses the sender's processor, if there is another, until it may run anywhere") {
  const size_t all = Processors();
  ThreadPlace place;
  std::atomic<int> stage{0};
  size_t elsewhere = 0, afterwards = 0;
  std::thread worker([&] {
    while (stage.load() == 0) std::this_thread::yield();
    elsewhere = Processors();
    place.RunAnywhere();
    afterwards = Processors();
  });
  place.RunElsewhere(worker);
  place.RunElsewhere(worker);  // a second wish does not take a second processor
  stage = 1;
  worker.join();
  CHECK_EQUAL(elsewhere, all > 1 ? all - 1 : 1);
  CHECK_EQUAL(afterwards, all);
  CHECK_EQUAL(Processors(), all);
}

TEST("processors that somebody else gives a thread stay its own") {
  const std::optional<ProcessorSet> all = ProcessorSet::OfThisThread();
  if (all->size() < 2) return;
  for (const bool sent_before : {false, true}) {
    ThreadPlace place;
    std::atomic<int> stage{0};
    std::optional<ProcessorSet> afterwards;
    std::thread worker([&] {
      while (stage.load() == 0) std::this_thread::yield();
      place.RunAnywhere();
      afterwards = ProcessorSet::OfThisThread();
    });
    const pthread_t handle = worker.native_handle();
    if (sent_before) place.RunElsewhere(worker);
    const std::optional<ProcessorSet> sent_to = ProcessorSet::Read(
        [handle](size_t bytes, cpu_set_t* set) { return ::pthread_getaffinity_np(handle, bytes, set); });
    const ProcessorSet given = all->Without(sent_to->Numbers().front());
    const int error = ::pthread_setaffinity_np(handle, given.bytes(), given.data());
    stage = 1;
    worker.join();
    CHECK_EQUAL(error, 0);
    CHECK(afterwards == given);
  }
}
#endif
