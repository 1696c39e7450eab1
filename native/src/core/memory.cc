#include "core/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "core/control_groups.h"
#include "core/error.h"
#include "core/promises.h"

#if defined(__APPLE__)
#include <libproc.h>
#include <mach/mach.h>
#include <malloc/malloc.h>
#include <sys/sysctl.h>
#elif defined(__GLIBC__)
#include <malloc.h>
#endif

namespace resident {
namespace {

/** What mincore says of a page. */
#if defined(__APPLE__)
using Residency = char;
#else
using Residency = unsigned char;
#endif

#if defined(__APPLE__)

MemoryInfo ReadSystemMemory() {
  MemoryInfo info;
  size_t length = sizeof info.physical_bytes;
  ::sysctlbyname("hw.memsize", &info.physical_bytes, &length, nullptr, 0);
  vm_statistics64_data_t statistics{};
  mach_msg_type_number_t count = HOST_VM_INFO64_COUNT;
  vm_size_t page_bytes = 0;
  const mach_port_t host = mach_host_self();
  if (host_page_size(host, &page_bytes) == KERN_SUCCESS &&
      host_statistics64(host, HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&statistics), &count) == KERN_SUCCESS) {
    info.available_bytes = MacAvailableBytes(info.physical_bytes, {.page_bytes = page_bytes,
                                                                   .active = statistics.active_count,
                                                                   .inactive = statistics.inactive_count,
                                                                   .speculative = statistics.speculative_count,
                                                                   .wired = statistics.wire_count,
                                                                   .compressor = statistics.compressor_page_count,
                                                                   .purgeable = statistics.purgeable_count,
                                                                   .external = statistics.external_page_count});
  }
  mach_port_deallocate(mach_task_self(), host);
  return info;
}

#else

MemoryInfo ReadSystemMemory() {
  MemoryInfo info;
  const std::string text = ReadSystemFile("/proc/meminfo").value_or("");
  info.physical_bytes = NumberAfter(text, "MemTotal:") * 1024;
  info.available_bytes = std::min(NumberAfter(text, "MemAvailable:") * 1024, MemoryRoomInGroups(ReadSystemFile));
  return info;
}

#endif

}  // namespace

MemoryInfo ReadMemoryInfo() { return ReadSystemMemory(); }

void RequireMemory(uint64_t needed_bytes, const std::string& what, const std::optional<WorkingSet>& working_set) {
  PromiseLedger& ledger = PromiseLedger::OfProcess();
  try {
    RequireUnpromised(needed_bytes, what, ledger.UntouchedBytes(false), working_set);
  } catch (const Error&) {
    RequireUnpromised(needed_bytes, what, ledger.UntouchedBytes(true), working_set);
  }
}

void RequireUnpromised(uint64_t needed_bytes, const std::string& what, uint64_t untouched_bytes,
                       const std::optional<WorkingSet>& working_set) {
  CheckRoom(needed_bytes, what, ReadMemoryInfo().available_bytes, untouched_bytes, working_set);
}

#if defined(__APPLE__)

std::optional<uint64_t> ProcessBytes(int process_id) {
  rusage_info_v4 info{};
  auto* into = reinterpret_cast<rusage_info_t*>(&info);
  if (::proc_pid_rusage(process_id, RUSAGE_INFO_V4, into) != 0) return std::nullopt;
  return info.ri_phys_footprint;
}

uint64_t FootprintBytes() {
  task_vm_info_data_t info{};
  mach_msg_type_number_t count = TASK_VM_INFO_COUNT;
  auto* into = reinterpret_cast<task_info_t>(&info);
  return task_info(mach_task_self(), TASK_VM_INFO, into, &count) == KERN_SUCCESS ? info.phys_footprint : 0;
}

#else

std::optional<uint64_t> ProcessBytes(int process_id) {
  const auto status = ReadSystemFile("/proc/" + std::to_string(process_id) + "/status");
  if (!status) return std::nullopt;
  return NumberAfter(*status, "RssAnon:") * 1024;
}

uint64_t FootprintBytes() { return NumberAfter(ReadSystemFile("/proc/self/status").value_or(""), "VmRSS:") * 1024; }

#endif

uint64_t TouchedBytes(const std::byte* begin, size_t bytes) {
  constexpr size_t kPagesAtOnce = 1 << 14;
  static const size_t page = size_t(::sysconf(_SC_PAGESIZE));
  std::vector<Residency> pages(kPagesAtOnce);
  // Whole pages: those at the ends may be shared with other memory, which does not matter here.
  uintptr_t at = uintptr_t(begin) / page * page;
  const uintptr_t end = (uintptr_t(begin) + bytes + page - 1) / page * page;
  uint64_t touched = 0;
  while (at < end) {
    const size_t part = std::min<size_t>(end - at, kPagesAtOnce * page);
    if (::mincore(reinterpret_cast<void*>(at), part, pages.data()) != 0) return bytes;
    for (size_t i = 0; i < part / page; ++i) touched += (pages[i] & 1) != 0 ? page : 0;
    at += part;
  }
  return std::min<uint64_t>(touched, bytes);
}

void ReturnFreedMemory() {
#if defined(__APPLE__)
  ::malloc_zone_pressure_relief(nullptr, 0);
#elif defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

}  // namespace resident
