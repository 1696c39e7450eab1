// What control groups leave, from files as Linux writes them.
#include "core/control_groups.h"

#include <map>

#include "check.h"

using namespace resident;

namespace {

using Files = std::map<std::string, std::string>;

ReadTextFile Recorded(const Files& files) {
  return [files](const std::string& path) -> std::optional<std::string> {
    const auto found = files.find(path);
    if (found == files.end()) return std::nullopt;
    return found->second;
  };
}

double Quota(const Files& files) { return ProcessorQuotaOfGroups(Recorded(files)).value_or(-1); }
uint64_t Room(const Files& files) { return MemoryRoomInGroups(Recorded(files)); }

}  // namespace

TEST("a quota of version 2 is time over period, the least of all groups above") {
  CHECK_EQUAL(Quota({}), -1);
  const std::string root = "/sys/fs/cgroup";
  Files files{{"/proc/self/cgroup", "0::/kubepods/pod1/web\n"}};
  CHECK_EQUAL(Quota(files), -1);
  files[root + "/kubepods/pod1/web/cpu.max"] = "max 100000\n";
  CHECK_EQUAL(Quota(files), -1);
  files[root + "/kubepods/pod1/cpu.max"] = "150000 100000\n";
  CHECK_EQUAL(Quota(files), 1.5);
  files[root + "/kubepods/pod1/web/cpu.max"] = "20000 10000\n";
  CHECK_EQUAL(Quota(files), 1.5);
  files[root + "/kubepods/pod1/web/cpu.max"] = "5000\n";  // the period that is usual
  CHECK_EQUAL(Quota(files), 0.05);
  files[root + "/kubepods/pod1/web/cpu.max"] = "7 0\n";
  CHECK_EQUAL(Quota(files), 1.5);
}

TEST("a container sees its own group as the root") {
  CHECK_EQUAL(Quota({{"/proc/self/cgroup", "0::/\n"}, {"/sys/fs/cgroup/cpu.max", "400000 100000\n"}}), 4);
}

TEST("a quota of version 1 is read of the controller's groups, also where others have like names") {
  const std::string root = "/sys/fs/cgroup/cpu";
  Files files{{"/proc/self/cgroup", "11:cpuset:/a\n4:cpu,cpuacct:/docker/b\n2:cpuacct:/c\n1:name=systemd:/\n0::/\n"},
              {root + "/docker/b/cpu.cfs_quota_us", "-1\n"},
              {root + "/docker/b/cpu.cfs_period_us", "100000\n"}};
  CHECK_EQUAL(Quota(files), -1);
  files[root + "/docker/b/cpu.cfs_quota_us"] = "250000\n";
  CHECK_EQUAL(Quota(files), 2.5);
  // Without a namespace the file says where the group is outside of the container.
  CHECK_EQUAL(Quota({{"/proc/self/cgroup", "3:cpu:/docker/0123\n"},
                     {root + "/cpu.cfs_quota_us", "100000\n"},
                     {root + "/cpu.cfs_period_us", "50000\n"}}),
              2);
}

TEST("the room for memory is the limit without what can be reclaimed") {
  CHECK_EQUAL(Room({}), kUnlimitedBytes);
  const std::string group = "/sys/fs/cgroup/g";
  Files files{{"/proc/self/cgroup", "0::/g\n"}, {group + "/memory.max", "max\n"}, {group + "/memory.current", "500\n"}};
  CHECK_EQUAL(Room(files), kUnlimitedBytes);
  files[group + "/memory.max"] = "1000\n";
  CHECK_EQUAL(Room(files), uint64_t(500));
  files[group + "/memory.stat"] = "anon 300\ninactive_file 200\n";
  CHECK_EQUAL(Room(files), uint64_t(700));
  files[group + "/memory.current"] = "5000\n";
  CHECK_EQUAL(Room(files), uint64_t(0));
  CHECK_EQUAL(Room({{"/proc/self/cgroup", "4:memory:/a\n"},
                    {"/sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n"},
                    {"/sys/fs/cgroup/memory/a/memory.usage_in_bytes", "0\n"},
                    {"/sys/fs/cgroup/memory/memory.limit_in_bytes", "800\n"},
                    {"/sys/fs/cgroup/memory/memory.usage_in_bytes", "300\n"},
                    {"/sys/fs/cgroup/memory/memory.stat", "total_inactive_file 100\n"}}),
              uint64_t(600));
}

TEST("lines that are no groups are passed over") {
  for (const char* text : {"", "\n", ":", "0:", "x", "0::", "::\n:cpu:\n"}) {
    CHECK_EQUAL(Quota({{"/proc/self/cgroup", text}}), -1);
  }
}
