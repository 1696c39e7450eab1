#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>

namespace resident {

/** The text of a file of the system; empty where it cannot be read. Tests give recorded texts instead. */
using ReadTextFile = std::function<std::optional<std::string>(const std::string& path)>;
std::optional<std::string> ReadSystemFile(const std::string& path);

/** The number after `name` in a text of `name value [kB]` lines; 0 where there is none. */
uint64_t NumberAfter(const std::string& text, const std::string& name);

// What Linux's control groups leave to this process: the least of its own group and of those above it, in version 2 and
// in version 1.

constexpr uint64_t kUnlimitedBytes = std::numeric_limits<uint64_t>::max();
/** Limit minus what cannot be reclaimed, in bytes; kUnlimitedBytes where nothing limits it. */
uint64_t MemoryRoomInGroups(const ReadTextFile& read);

/** Processors' time that the process may use at once, 1.5 for instance; empty where nothing limits it. */
std::optional<double> ProcessorQuotaOfGroups(const ReadTextFile& read);

}  // namespace resident
