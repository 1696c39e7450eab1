#include "core/promises.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <thread>

#include "core/memory.h"

namespace resident {
namespace {

constexpr int64_t kCountIsGoodForMs = 1000;
constexpr int64_t kLongestWaitMs = 1000;
constexpr size_t kRecordBytes = 42;
constexpr int kMostRecordsOfOneId = 100;
constexpr char kLockName[] = "lock";

int64_t NowMs() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

/** Always as long, so that one write replaces it. */
std::string RecordText(const PromiseRecord& record) {
  char text[kRecordBytes + 1];
  std::snprintf(text, sizeof text, "%020llu %020llu\n", static_cast<unsigned long long>(record.untouched_bytes),
                static_cast<unsigned long long>(record.process_bytes));
  return text;
}

/** A record that makes no sense promises nothing. */
PromiseRecord ReadRecord(const File& file) {
  std::string text(kRecordBytes, '\0');
  text.resize(file.ReadAt(0, std::as_writable_bytes(std::span(text))));
  PromiseRecord record;
  if (!(std::istringstream(text) >> record.untouched_bytes >> record.process_bytes)) return {};
  return record;
}

}  // namespace

uint64_t StillUntouched(const PromiseRecord& record, std::optional<uint64_t> process_bytes) {
  const uint64_t now = process_bytes.value_or(record.process_bytes);
  const uint64_t grown = now - std::min(now, record.process_bytes);
  return record.untouched_bytes - std::min(record.untouched_bytes, grown);
}

uint64_t Unpromised(uint64_t available_bytes, uint64_t untouched_bytes) {
  return available_bytes - std::min(available_bytes, untouched_bytes);
}

/** Held while one process looks at all records and writes its own. Without it nothing is removed. */
class PromiseLedger::FolderLock {
 public:
  explicit FolderLock(const std::string& folder) {
    if (folder.empty()) return;
    try {
      File file = File::OpenLock(folder + "/" + kLockName);
      for (const int64_t until = NowMs() + kLongestWaitMs; !held_ && NowMs() < until;) {
        held_ = file.TryLock();
        if (!held_) std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      file_.emplace(std::move(file));
    } catch (const Error&) {
      // A file system without locks: records are read all the same.
    }
  }
  bool held() const { return held_; }

 private:
  std::optional<File> file_;
  bool held_ = false;
};

PromiseLedger::Promise::Promise(PromiseLedger& ledger, uint64_t bytes)
    : ledger_(ledger), bytes_(bytes), process_bytes_(ProcessBytes(::getpid()).value_or(0)) {}

PromiseLedger::Promise::~Promise() { ledger_.Remove(*this); }

void PromiseLedger::Promise::CountTouchedBy(std::function<uint64_t()> touched_bytes) {
  const std::lock_guard lock(ledger_.mutex_);
  touched_bytes_ = std::move(touched_bytes);
}

uint64_t PromiseLedger::Promise::UntouchedBytes() const {
  if (touched_bytes_) return bytes_ - std::min(bytes_, touched_bytes_());
  return StillUntouched({bytes_, process_bytes_}, ProcessBytes(::getpid()));
}

PromiseLedger& PromiseLedger::OfProcess() {
  static PromiseLedger& ledger = *new PromiseLedger;  // until the process ends, after all that promises
  return ledger;
}

void PromiseLedger::ShareIn(const std::string& folder) {
  const std::lock_guard lock(mutex_);
  if (folder == folder_) return;
  Leave();
  folder_.clear();
  try {
    MakeFolder(folder);
    folder_ = folder;
  } catch (const Error&) {
    return;  // a home that cannot be written: the promises of this process count, those of others cannot
  }
  const FolderLock folder_lock(folder_);
  WriteDown();
}

std::unique_ptr<PromiseLedger::Promise> PromiseLedger::Grant(uint64_t bytes, const std::string& what,
                                                             const std::optional<WorkingSet>& working_set) {
  const std::lock_guard lock(mutex_);
  const FolderLock folder_lock(folder_);
  RequireUnpromised(bytes, what, CountUntouched(folder_lock.held()), working_set);
  std::unique_ptr<Promise> promise(new Promise(*this, bytes));
  promises_.push_back(promise.get());
  WriteDown();
  counted_at_ms_ = 0;
  return promise;
}

uint64_t PromiseLedger::UntouchedBytes(bool exact) {
  const std::lock_guard lock(mutex_);
  const bool is_old = counted_at_ms_ == 0 || NowMs() - counted_at_ms_ > kCountIsGoodForMs;
  return exact || is_old ? CountUntouched(false) : counted_bytes_;
}

void PromiseLedger::Remove(const Promise& promise) {
  const std::lock_guard lock(mutex_);
  std::erase(promises_, &promise);
  counted_at_ms_ = 0;
  const FolderLock folder_lock(folder_);
  if (promises_.empty() && folder_lock.held()) return Leave();
  WriteDown();
}

uint64_t PromiseLedger::OwnUntouched() const {
  uint64_t bytes = 0;
  for (const Promise* promise : promises_) bytes += promise->UntouchedBytes();
  return bytes;
}

/** A record that nobody holds is of a process that has ended. */
uint64_t PromiseLedger::OthersUntouched(bool may_remove) const {
  if (folder_.empty()) return 0;
  uint64_t bytes = 0;
  std::error_code failed, ignored;
  for (std::filesystem::directory_iterator entry(folder_, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    const std::string path = entry->path().string(), name = entry->path().filename().string();
    if (name == kLockName || (record_ && path == record_->path())) continue;
    try {
      File file = File::OpenForReading(path);
      if (!file.TrySharedLock()) {
        bytes += StillUntouched(ReadRecord(file), ProcessBytes(std::atoi(name.c_str())));
      } else if (may_remove) {
        std::filesystem::remove(path, ignored);
      }
    } catch (const Error&) {
      // It went meanwhile, or is nothing of ours.
    }
  }
  return bytes;
}

uint64_t PromiseLedger::CountUntouched(bool may_remove) {
  counted_bytes_ = OwnUntouched() + OthersUntouched(may_remove);
  counted_at_ms_ = NowMs();
  return counted_bytes_;
}

void PromiseLedger::WriteDown() {
  if (folder_.empty() || (promises_.empty() && !record_)) return;
  try {
    const std::string base = folder_ + "/" + std::to_string(::getpid()) + "-";
    for (int i = 0; !record_ && i < kMostRecordsOfOneId; ++i) {
      // Another container may have a process of the same id.
      File file = File::OpenLock(base + std::to_string(i));
      if (file.TryLock()) record_.emplace(std::move(file));
    }
    if (!record_) return;
    const std::string text = RecordText({OwnUntouched(), ProcessBytes(::getpid()).value_or(0)});
    record_->Rewrite(AsBytes(text));
  } catch (const Error&) {
    record_.reset();  // a full disk, say: others do not see this process's promises
  }
}

void PromiseLedger::Leave() {
  if (!record_) return;
  std::error_code ignored;
  std::filesystem::remove(record_->path(), ignored);
  record_.reset();
}

}  // namespace resident
