// Memory that is promised and not yet touched is counted: in this process, and of the other processes of a home.
#include "core/promises.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "check.h"
#include "core/memory.h"
#include "tiny_model.h"

using namespace resident;

namespace {

constexpr uint64_t kMegabyte = uint64_t(1) << 20;

PromiseLedger& Ledger() { return PromiseLedger::OfProcess(); }

/** A process that runs `body` and ends with 0 if that gives true. */
int ExitOf(const std::function<bool()>& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body() ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

size_t RecordsIn(const std::string& folder) {
  size_t records = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) records += entry.path().filename() != "lock";
  return records;
}

}  // namespace

TEST("what a process has grown by since it promised counts as touched") {
  const PromiseRecord record{1000, 300};
  CHECK_EQUAL(StillUntouched(record, 300), uint64_t(1000));
  CHECK_EQUAL(StillUntouched(record, 800), uint64_t(500));
  CHECK_EQUAL(StillUntouched(record, 1300), uint64_t(0));
  CHECK_EQUAL(StillUntouched(record, 9000), uint64_t(0));
  CHECK_EQUAL(StillUntouched(record, 100), uint64_t(1000));
  CHECK_EQUAL(StillUntouched(record, std::nullopt), uint64_t(1000));
}

TEST("what is promised is not available, and never less than nothing is") {
  CHECK_EQUAL(Unpromised(1000, 0), uint64_t(1000));
  CHECK_EQUAL(Unpromised(1000, 400), uint64_t(600));
  CHECK_EQUAL(Unpromised(1000, 4000), uint64_t(0));
}

TEST("of two promises that fit one by one the second is refused, with the numbers, until the first ends") {
  const uint64_t bytes = ReadMemoryInfo().available_bytes / 10 * 7;
  auto first = Ledger().Grant(bytes, "the first");
  CHECK_THROWS("OUT_OF_MEMORY", Ledger().Grant(bytes, "the second"));
  CHECK_THROWS("OUT_OF_MEMORY", RequireMemory(bytes, "a step"));
  try {
    Ledger().Grant(bytes, "the second");
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find("the second needs") == 0);
    CHECK(std::string(error.what()).find("more are promised") != std::string::npos);
    CHECK_EQUAL(error.facts()[2].name, std::string("promisedBytes"));
    CHECK(std::get<double>(error.facts()[2].value) > double(bytes) * 0.9);
  }
  first.reset();
  const auto second = Ledger().Grant(bytes, "the second");
}

TEST("touched pages are counted, and what is touched is promised no longer") {
  const size_t bytes = 64 * kMegabyte;
  const uint64_t before = Ledger().UntouchedBytes(true);
  const auto promise = Ledger().Grant(bytes, "some memory");
  std::unique_ptr<std::byte[]> memory(new std::byte[bytes]);
  promise->CountTouchedBy([&] { return TouchedBytes(memory.get(), bytes); });
  const auto untouched = [&] { return double(Ledger().UntouchedBytes(true) - before) / double(kMegabyte); };
  CHECK_NEAR(untouched(), 64, 4);  // huge pages are touched as one
  for (size_t at = 0; at < bytes / 2; at += 4096) memory[at] = std::byte(1);
  CHECK_NEAR(untouched(), 32, 4);
  for (size_t at = bytes / 2; at < bytes; at += 4096) memory[at] = std::byte(1);
  CHECK_NEAR(untouched(), 0, 0.1);
}

TEST("processes that share a folder count each other's promises, and those of the dead vanish") {
  const TemporaryFolder home;
  const std::string folder = home / "promises";
  const uint64_t bytes = 500 * kMegabyte;
  int ready[2], end[2];
  CHECK_EQUAL(::pipe(ready), 0);
  CHECK_EQUAL(::pipe(end), 0);
  // Before anything is shared here: a child must open the record itself, since a lock is shared with those forked
  // later.
  const pid_t other = ::fork();
  if (other == 0) {
    ::close(end[1]);
    PromiseLedger ledger;
    ledger.ShareIn(folder);
    const auto promise = ledger.Grant(bytes, "another process's pool");
    char byte = 1;
    if (::write(ready[1], &byte, 1) != 1) ::_exit(1);
    ::_exit(::read(end[0], &byte, 1) == 0 ? 0 : 1);  // without taking the promise back, as one that is killed
  }
  char byte = 0;
  CHECK_EQUAL(::read(ready[0], &byte, 1), 1);
  PromiseLedger here;
  CHECK_EQUAL(here.UntouchedBytes(true), uint64_t(0));
  here.ShareIn(folder);
  CHECK_NEAR(double(here.UntouchedBytes(true)), double(bytes), double(16 * kMegabyte));
  CHECK_EQUAL(RecordsIn(folder), size_t(1));
  {
    const auto promise = here.Grant(bytes, "a pool");
    CHECK_NEAR(double(here.UntouchedBytes(true)), double(2 * bytes), double(32 * kMegabyte));
    CHECK_EQUAL(RecordsIn(folder), size_t(2));
    CHECK_EQUAL(ExitOf([&] {
                  PromiseLedger third;
                  third.ShareIn(folder);
                  return third.UntouchedBytes(true) > 2 * bytes - 32 * kMegabyte;
                }),
                0);
  }
  CHECK_EQUAL(RecordsIn(folder), size_t(1));
  ::close(end[1]);
  int status = 0;
  ::waitpid(other, &status, 0);
  CHECK_EQUAL(status, 0);
  CHECK_EQUAL(here.UntouchedBytes(true), uint64_t(0));
  {
    const auto promise = here.Grant(kMegabyte, "a pool");
  }  // looks under the folder's lock: what is left over goes
  CHECK_EQUAL(RecordsIn(folder), size_t(0));
  for (const int fd : {ready[0], ready[1], end[0]}) ::close(fd);
}

TEST("a folder that cannot be used, and records that are nothing of ours, change nothing") {
  const TemporaryFolder home;
  WriteText(home / "file", "");
  PromiseLedger ledger;
  ledger.ShareIn(home / "file");
  {
    const auto promise = ledger.Grant(kMegabyte, "a pool");
  }
  ledger.ShareIn(home / "promises");
  std::filesystem::create_directory(home / "promises/1-0");
  CHECK_EQUAL(::mkfifo((home / "promises/2-0").c_str(), 0600), 0);
  WriteText(home / "promises/3-0", "many bytes");
  File held = File::OpenLock(home / "promises/3-0");
  CHECK(held.TryLock());
  CHECK_EQUAL(ledger.UntouchedBytes(true), uint64_t(0));
  {
    const auto promise = ledger.Grant(kMegabyte, "a pool");
  }
  std::filesystem::remove_all(home / "promises");
  {
    const auto promise = ledger.Grant(kMegabyte, "a pool");
  }
}
