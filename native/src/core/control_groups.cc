#include "core/control_groups.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

namespace resident {
namespace {

/** The folder of one group. */
struct Group {
  std::string folder;
  bool unified;  // version 2
};

/** The process's group and those above it, of version 2 and of version 1 with `controller`. */
std::vector<Group> GroupsOf(const ReadTextFile& read, const std::string& controller) {
  std::vector<Group> groups;
  std::istringstream file(read("/proc/self/cgroup").value_or(""));
  for (std::string line; std::getline(file, line);) {
    const size_t first = line.find(':'), second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const bool unified = controllers == ",,";
    if (!unified && controllers.find("," + controller + ",") == std::string::npos) continue;
    const std::string root = unified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/" + controller;
    for (std::string group = line.substr(second + 1);; group.resize(group.rfind('/'))) {
      if (group == "/") group.clear();
      groups.push_back({root + group, unified});
      if (group.empty() || group.rfind('/') == std::string::npos) break;
    }
  }
  return groups;
}

/** A file's first number; "max", -1 and a missing file mean no limit. */
std::optional<uint64_t> FirstNumber(const ReadTextFile& read, const std::string& path) {
  std::istringstream text(read(path).value_or(""));
  int64_t value = -1;
  // What does not fit is larger than all memory.
  if (!(text >> value) || value < 0) return std::nullopt;
  return uint64_t(value);
}

/** Time in a period, over the period. */
std::optional<double> Ratio(std::optional<uint64_t> quota_us, std::optional<uint64_t> period_us) {
  if (!quota_us || !period_us || *period_us == 0) return std::nullopt;
  return double(*quota_us) / double(*period_us);
}

std::optional<double> QuotaOf(const ReadTextFile& read, const Group& group) {
  if (!group.unified) {
    return Ratio(FirstNumber(read, group.folder + "/cpu.cfs_quota_us"),
                 FirstNumber(read, group.folder + "/cpu.cfs_period_us"));
  }
  std::istringstream text(read(group.folder + "/cpu.max").value_or(""));
  std::string quota;
  uint64_t period_us = 100'000, quota_us = 0;
  if (!(text >> quota) || !(std::istringstream(quota) >> quota_us)) return std::nullopt;  // "max"
  text >> period_us;
  return Ratio(quota_us, period_us);
}

uint64_t RoomIn(const ReadTextFile& read, const Group& group) {
  const auto file = [&](const char* unified, const char* old) {
    return group.folder + (group.unified ? unified : old);
  };
  const auto limit = FirstNumber(read, file("/memory.max", "/memory.limit_in_bytes"));
  const auto usage = FirstNumber(read, file("/memory.current", "/memory.usage_in_bytes"));
  if (!limit || !usage) return kUnlimitedBytes;
  const char* reclaimable = group.unified ? "inactive_file" : "total_inactive_file";
  const std::string statistics = read(group.folder + "/memory.stat").value_or("");
  const uint64_t used = *usage - std::min(*usage, NumberAfter(statistics, reclaimable));
  return *limit - std::min(*limit, used);
}

}  // namespace

std::optional<std::string> ReadSystemFile(const std::string& path) {
  std::ifstream file(path);
  if (!file) return std::nullopt;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

uint64_t NumberAfter(const std::string& text, const std::string& name) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string key;
    uint64_t value = 0;
    if (fields >> key >> value && key == name) return value;
  }
  return 0;
}

uint64_t MemoryRoomInGroups(const ReadTextFile& read) {
  uint64_t room = kUnlimitedBytes;
  for (const Group& group : GroupsOf(read, "memory")) room = std::min(room, RoomIn(read, group));
  return room;
}

std::optional<double> ProcessorQuotaOfGroups(const ReadTextFile& read) {
  std::optional<double> least;
  for (const Group& group : GroupsOf(read, "cpu")) {
    if (const auto quota = QuotaOf(read, group); quota && (!least || *quota < *least)) least = quota;
  }
  return least;
}

}  // namespace resident
