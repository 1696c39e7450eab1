#include "core/memory.h"

#include <algorithm>
#include <fstream>
#include <limits>
#include <sstream>

#include "core/error.h"

#if defined(__APPLE__)
#include <mach/mach.h>
#include <malloc/malloc.h>
#include <sys/sysctl.h>
#elif defined(__GLIBC__)
#include <malloc.h>
#endif

namespace resident {
namespace {

constexpr uint64_t kReserveBytes = uint64_t(64) << 20;

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

constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();

/** The number after `name` in a file of `name value [kB]` lines. */
uint64_t ReadField(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream fields(line);
    std::string key;
    uint64_t value = 0;
    if (fields >> key >> value && key == name) return value;
  }
  return 0;
}

/** A file that holds one number; "max" and a missing file mean no limit. */
uint64_t ReadLimit(const std::string& path) {
  std::ifstream file(path);
  uint64_t value = 0;
  return file >> value ? value : kUnlimited;
}

/** What one control group leaves: its limit minus what cannot be reclaimed. */
uint64_t RoomInGroup(const std::string& folder, const char* limit_file, const char* usage_file,
                     const char* reclaimable) {
  const uint64_t limit = ReadLimit(folder + limit_file), usage = ReadLimit(folder + usage_file);
  if (limit == kUnlimited || usage == kUnlimited) return kUnlimited;
  const uint64_t inactive = std::min(usage, ReadField(folder + "/memory.stat", reclaimable));
  const uint64_t used = usage - inactive;
  return limit > used ? limit - used : 0;
}

/** The least room in this process's control group and those above it (version 2, then version 1). */
uint64_t ReadControlGroupRoom() {
  uint64_t room = kUnlimited;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const bool unified = controllers.empty();
    if (!unified && controllers.find("memory") == std::string::npos) continue;
    const std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
    for (std::string group = line.substr(second + 1);; group.resize(group.rfind('/'))) {
      if (group == "/") group.clear();
      const std::string folder = root + group;
      room = std::min(room, unified ? RoomInGroup(folder, "/memory.max", "/memory.current", "inactive_file")
                                    : RoomInGroup(folder, "/memory.limit_in_bytes", "/memory.usage_in_bytes",
                                                  "total_inactive_file"));
      if (group.empty() || group.rfind('/') == std::string::npos) break;
    }
  }
  return room;
}

MemoryInfo ReadSystemMemory() {
  MemoryInfo info;
  info.physical_bytes = ReadField("/proc/meminfo", "MemTotal:") * 1024;
  info.available_bytes = std::min(ReadField("/proc/meminfo", "MemAvailable:") * 1024, ReadControlGroupRoom());
  return info;
}

#endif

}  // namespace

MemoryInfo ReadMemoryInfo() { return ReadSystemMemory(); }

void RequireMemory(uint64_t needed_bytes, const std::string& what) {
  const uint64_t available = ReadMemoryInfo().available_bytes;
  if (needed_bytes <= available && available - needed_bytes >= kReserveBytes) return;
  const auto megabytes = [](uint64_t bytes) { return std::to_string((bytes + 999'999) / 1'000'000) + " MB"; };
  throw Error(ErrorCode::kOutOfMemory,
              what + " needs " + megabytes(needed_bytes) + " and " + megabytes(available) + " are available",
              {{"neededBytes", double(needed_bytes)}, {"availableBytes", double(available)}});
}

void ReturnFreedMemory() {
#if defined(__APPLE__)
  ::malloc_zone_pressure_relief(nullptr, 0);
#elif defined(__GLIBC__)
  ::malloc_trim(0);
#endif
}

}  // namespace resident
