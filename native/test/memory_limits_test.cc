// How much memory may be taken: the arithmetic, with values recorded elsewhere.
#include "core/memory_limits.h"

#include "check.h"

using namespace resident;

namespace {

constexpr uint64_t kGigabyte = uint64_t(1) << 30, kMegabyte = 1'000'000;

/** `vm_stat` of a Mac with 16 GB that has run for a day, in pages of 16 KB. */
constexpr MacPages kUsed{.page_bytes = 16384,
                         .active = 330'114,
                         .inactive = 322'630,
                         .speculative = 5'912,
                         .wired = 148'920,
                         .compressor = 205'448,
                         .purgeable = 9'263,
                         .external = 231'105};

std::string RefusalOf(uint64_t needed, uint64_t available, uint64_t untouched, std::optional<WorkingSet> set) {
  try {
    CheckRoom(needed, "this step", available, untouched, set);
  } catch (const Error& error) {
    CHECK_EQUAL(std::string(ErrorCodeName(error.code())), std::string("OUT_OF_MEMORY"));
    return error.what();
  }
  return "";
}

}  // namespace

TEST("pages of files and purgeable ones are available on a Mac, programs' own, wired and compressed ones are not") {
  const uint64_t pages = 16 * kGigabyte / 16384;
  const uint64_t of_programs = 330'114 + 322'630 + 5'912 - 9'263 - 231'105;
  CHECK_EQUAL(MacAvailableBytes(16 * kGigabyte, kUsed), (pages - of_programs - 148'920 - 205'448) * 16384);
  MacPages busy = kUsed;
  busy.external -= 100'000;  // as many pages of programs instead
  CHECK_EQUAL(MacAvailableBytes(16 * kGigabyte, busy), MacAvailableBytes(16 * kGigabyte, kUsed) - 100'000 * 16384);
  MacPages idle{.page_bytes = 16384, .active = 1000, .wired = 2000, .external = 5000};  // counts are not of one moment
  CHECK_EQUAL(MacAvailableBytes(8 * kGigabyte, idle), 8 * kGigabyte - 2000 * 16384);
  MacPages full = kUsed;
  full.wired = pages;
  CHECK_EQUAL(MacAvailableBytes(16 * kGigabyte, full), uint64_t(0));
}

TEST("on a GPU nine tenths of the working set are there for all that MLX holds") {
  const WorkingSet set{.recommended_bytes = 5'000 * kMegabyte, .active_bytes = 4'000 * kMegabyte};
  CHECK_EQUAL(set.room_bytes(), 500 * kMegabyte);
  CHECK_EQUAL((WorkingSet{1000, 2000}.room_bytes()), uint64_t(0));
  CHECK_EQUAL(RefusalOf(500 * kMegabyte, 8'000 * kMegabyte, 0, set), std::string());
  CHECK_EQUAL(
      RefusalOf(501 * kMegabyte, 8'000 * kMegabyte, 0, set),
      std::string("this step needs 501 MB and 500 MB are left of the 5000 MB that the system lets the GPU hold"));
}

TEST("a refusal names the tighter limit") {
  const WorkingSet wide{.recommended_bytes = 50'000 * kMegabyte};
  CHECK_EQUAL(RefusalOf(900 * kMegabyte, 800 * kMegabyte, 0, wide),
              std::string("this step needs 900 MB and 800 MB are available"));
  CHECK_EQUAL(RefusalOf(900 * kMegabyte, 800 * kMegabyte, 300 * kMegabyte, std::nullopt),
              std::string("this step needs 900 MB and 500 MB are available; 300 MB more are promised to what is not "
                          "filled yet"));
  CHECK_EQUAL(RefusalOf(700 * kMegabyte, 800 * kMegabyte, 0, wide), std::string());
  CHECK(RefusalOf(790 * kMegabyte, 800 * kMegabyte, 0, std::nullopt) != "");  // a reserve stays
}
