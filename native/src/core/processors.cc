#include "core/processors.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#if defined(__linux__)
#include <pthread.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

namespace resident {

int WithinQuota(int count, std::optional<double> quota) {
  const int whole = quota && *quota < double(count) ? int(*quota) : count;
  return std::max(1, whole);
}

#if defined(__linux__)
namespace {

/** More processors than any machine has. */
constexpr size_t kMostProcessors = size_t(1) << 20;

}  // namespace

std::optional<ProcessorSet> ProcessorSet::Read(const Get& get) {
  for (size_t parts = 1; parts * CPU_SETSIZE <= kMostProcessors; parts *= 2) {
    ProcessorSet set(parts);
    const int error = get(set.bytes(), set.parts_.data());
    if (error == 0) return set;
    if (error != EINVAL) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<ProcessorSet> ProcessorSet::OfThisThread() {
  return Read([](size_t bytes, cpu_set_t* set) { return ::sched_getaffinity(0, bytes, set) == 0 ? 0 : errno; });
}

std::vector<int> ProcessorSet::Numbers() const {
  std::vector<int> numbers;
  for (size_t number = 0; number < parts_.size() * CPU_SETSIZE; ++number) {
    if (CPU_ISSET_S(number, bytes(), parts_.data())) numbers.push_back(int(number));
  }
  return numbers;
}

ProcessorSet ProcessorSet::Without(int number) const {
  ProcessorSet others = *this;
  CPU_CLR_S(size_t(number), others.bytes(), others.parts_.data());
  return others;
}

int CoresOf(const std::vector<int>& processors, const ReadTextFile& read) {
  std::set<std::pair<int, int>> cores;  // (package, core)
  for (const int processor : processors) {
    const std::string folder = "/sys/devices/system/cpu/cpu" + std::to_string(processor) + "/topology/";
    const auto number = [&](const char* name, int otherwise) {
      std::istringstream text(read(folder + name).value_or(""));
      int value = 0;
      return text >> value ? value : otherwise;
    };
    cores.emplace(number("physical_package_id", 0), number("core_id", processor));
  }
  return int(cores.size());
}

int UsableProcessors() {
  const std::optional<ProcessorSet> allowed = ProcessorSet::OfThisThread();
  const int count = allowed ? int(allowed->size()) : int(std::thread::hardware_concurrency());
  return WithinQuota(count, ProcessorQuotaOfGroups(ReadSystemFile));
}

int ComputeThreads() {
  const std::optional<ProcessorSet> allowed = ProcessorSet::OfThisThread();
  const int cores = allowed ? CoresOf(allowed->Numbers(), ReadSystemFile) : int(std::thread::hardware_concurrency());
  return WithinQuota(cores, ProcessorQuotaOfGroups(ReadSystemFile));
}

void ThreadPlace::RunElsewhere(std::thread& thread) {
  const int here = ::sched_getcpu();
  const std::lock_guard lock(mutex_);
  if (here < 0 || sent_to_) return;
  const pthread_t handle = thread.native_handle();
  std::optional<ProcessorSet> before = ProcessorSet::Read(
      [handle](size_t bytes, cpu_set_t* set) { return ::pthread_getaffinity_np(handle, bytes, set); });
  if (!before) return;
  ProcessorSet others = before->Without(here);
  if (others.size() == 0 || others == *before) return;
  if (::pthread_setaffinity_np(handle, others.bytes(), others.data()) != 0) return;
  before_ = std::move(before);
  sent_to_ = std::move(others);
}

void ThreadPlace::RunAnywhere() {
  const std::lock_guard lock(mutex_);
  if (!sent_to_) return;
  if (ProcessorSet::OfThisThread() == sent_to_) ::sched_setaffinity(0, before_->bytes(), before_->data());
  before_.reset();
  sent_to_.reset();
}

#else

namespace {

#if defined(__APPLE__)
int PhysicalCores() {
  int cores = 0;
  size_t length = sizeof cores;
  // Performance cores only: chunks are of equal size.
  if (::sysctlbyname("hw.perflevel0.physicalcpu", &cores, &length, nullptr, 0) == 0 && cores > 0) return cores;
  length = sizeof cores;
  return ::sysctlbyname("hw.physicalcpu", &cores, &length, nullptr, 0) == 0 && cores > 0 ? cores : 1;
}
#else
int PhysicalCores() { return int(std::thread::hardware_concurrency()); }
#endif

}  // namespace

int UsableProcessors() { return std::max(1, int(std::thread::hardware_concurrency())); }
int ComputeThreads() { return std::max(1, PhysicalCores()); }
void ThreadPlace::RunElsewhere(std::thread&) {}
void ThreadPlace::RunAnywhere() {}

#endif

}  // namespace resident
