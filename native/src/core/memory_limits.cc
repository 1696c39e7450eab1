#include "core/memory_limits.h"

#include <algorithm>

#include "core/error.h"
#include "core/promises.h"

namespace resident {
namespace {

constexpr uint64_t kReserveBytes = uint64_t(64) << 20;

uint64_t Less(uint64_t from, uint64_t bytes) { return from - std::min(from, bytes); }

std::string Megabytes(uint64_t bytes) { return std::to_string((bytes + 999'999) / 1'000'000) + " MB"; }

}  // namespace

uint64_t MacAvailableBytes(uint64_t physical_bytes, const MacPages& pages) {
  const uint64_t held = pages.active + pages.inactive + pages.speculative;
  const uint64_t of_programs = Less(held, pages.purgeable + pages.external);
  return Less(physical_bytes, pages.page_bytes * (of_programs + pages.wired + pages.compressor));
}

uint64_t WorkingSet::room_bytes() const { return Less(recommended_bytes / 10 * 9, active_bytes); }

void CheckRoom(uint64_t needed_bytes, const std::string& what, uint64_t available_bytes, uint64_t untouched_bytes,
               const std::optional<WorkingSet>& working_set) {
  const uint64_t unpromised = Unpromised(available_bytes, untouched_bytes);
  // The reserve is for memory that no GPU sees.
  const bool of_gpu = working_set && working_set->room_bytes() < Less(unpromised, kReserveBytes);
  const uint64_t room = of_gpu ? working_set->room_bytes() : unpromised;
  const uint64_t reserve = of_gpu ? 0 : kReserveBytes;
  if (needed_bytes <= room && room - needed_bytes >= reserve) return;
  const uint64_t promised = of_gpu ? 0 : available_bytes - unpromised;
  const std::string needs = what + " needs " + Megabytes(needed_bytes) + " and " + Megabytes(room);
  const std::string sentence = of_gpu ? needs + " are left of the " + Megabytes(working_set->recommended_bytes) +
                                            " that the system lets the GPU hold"
                               : promised == 0 ? needs + " are available"
                                               : needs + " are available; " + Megabytes(promised) +
                                                     " more are promised to what is not filled yet";
  throw Error(ErrorCode::kOutOfMemory, sentence,
              {{"neededBytes", double(needed_bytes)},
               {"availableBytes", double(room)},
               {"promisedBytes", double(promised)},
               {"limit", std::string(of_gpu ? "gpu" : "memory")}});
}

}  // namespace resident
