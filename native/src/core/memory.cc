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

constexpr uint64_t kReserveBytes = uint64_t(64) << 20;

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
    // Inactive pages are given up, or compressed, before anything is swapped.
    info.available_bytes = uint64_t(page_bytes) * (uint64_t(statistics.free_count) + statistics.inactive_count);
  }
  mach_port_deallocate(mach_task_self(), host);
  info.available_bytes = std::min(info.available_bytes, info.physical_bytes);
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

void RequireMemory(uint64_t needed_bytes, const std::string& what) {
  PromiseLedger& ledger = PromiseLedger::OfProcess();
  try {
    RequireUnpromised(needed_bytes, what, ledger.UntouchedBytes(false));
  } catch (const Error&) {
    RequireUnpromised(needed_bytes, what, ledger.UntouchedBytes(true));
  }
}

void RequireUnpromised(uint64_t needed_bytes, const std::string& what, uint64_t untouched_bytes) {
  const uint64_t available = ReadMemoryInfo().available_bytes, room = Unpromised(available, untouched_bytes);
  if (needed_bytes <= room && room - needed_bytes >= kReserveBytes) return;
  const auto megabytes = [](uint64_t bytes) { return std::to_string((bytes + 999'999) / 1'000'000) + " MB"; };
  const uint64_t promised = available - room;
  const std::string others =
      promised == 0 ? "" : "; " + megabytes(promised) + " more are promised to what is not filled yet";
  throw Error(
      ErrorCode::kOutOfMemory,
      what + " needs " + megabytes(needed_bytes) + " and " + megabytes(room) + " are available" + others,
      {{"neededBytes", double(needed_bytes)}, {"availableBytes", double(room)}, {"promisedBytes", double(promised)}});
}

#if defined(__APPLE__)
std::optional<uint64_t> ProcessBytes(int process_id) {
  proc_taskinfo info{};
  const int size = int(sizeof info);
  if (::proc_pidinfo(process_id, PROC_PIDTASKINFO, 0, &info, size) != size) return std::nullopt;
  return info.pti_resident_size;
}
#else
std::optional<uint64_t> ProcessBytes(int process_id) {
  const auto status = ReadSystemFile("/proc/" + std::to_string(process_id) + "/status");
  if (!status) return std::nullopt;
  return NumberAfter(*status, "RssAnon:") * 1024;
}
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
