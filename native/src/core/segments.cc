#include "core/segments.h"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace resident {
namespace {

/** Pieces of memory one after the other, from any byte of their whole on. */
class PieceCursor {
 public:
  PieceCursor(const BlockPieces& pieces, std::span<const uint64_t> begins, uint64_t at) : pieces_(pieces) {
    piece_ = size_t(std::upper_bound(begins.begin(), begins.end(), at) - begins.begin()) - 1;
    at_ = size_t(at - begins[piece_]);
  }

  /** The next `limit` bytes, or as many as one call of the system takes. */
  std::span<const std::span<std::byte>> Next(size_t limit) {
    size_t count = 0;
    for (; limit > 0 && count < kMostPieces && piece_ < pieces_.size(); ++count) {
      const std::span<std::byte> rest = pieces_[piece_].subspan(at_);
      part_[count] = rest.first(std::min(rest.size(), limit));
      limit -= part_[count].size();
      at_ = part_[count].size() == rest.size() ? 0 : at_ + part_[count].size();
      piece_ += at_ == 0;
    }
    return {part_, count};
  }

 private:
  static constexpr size_t kMostPieces = 64;

  const BlockPieces& pieces_;
  size_t piece_, at_;
  std::span<std::byte> part_[kMostPieces];
};

/** One reading, which helpers may join as long as its owner works at it. */
class SegmentedRead {
 public:
  SegmentedRead(const File& file, uint64_t offset, uint64_t bytes, const BlockPieces& into, const ReadHooks& hooks)
      : file_(file),
        offset_(offset),
        bytes_(bytes),
        into_(into),
        hooks_(hooks),
        digests_(size_t((bytes + kSegmentBytes - 1) / kSegmentBytes)) {
    uint64_t begin = 0;
    for (const std::span<std::byte> piece : into) {
      begins_.push_back(begin);
      begin += piece.size();
    }
  }

  size_t segments() const { return digests_.size(); }

  /** A helper's part. Touches nothing of the owner's once that has left. */
  void Help() {
    std::unique_lock lock(mutex_);
    if (closed_) return;
    ++helpers_;
    lock.unlock();
    TakeSegments();
    lock.lock();
    --helpers_;
    left_.notify_all();
  }

  /** The owner's part; afterwards nobody else takes part any more. */
  void Finish() {
    TakeSegments();
    std::unique_lock lock(mutex_);
    closed_ = true;
    left_.wait(lock, [this] { return helpers_ == 0; });
    if (failure_) std::rethrow_exception(failure_);
  }

  bool truncated() const { return truncated_; }
  const std::vector<std::string>& digests() const { return digests_; }

 private:
  void TakeSegments() {
    for (;;) {
      size_t segment = 0;
      {
        const std::lock_guard lock(mutex_);
        if (next_ == segments() || truncated_ || failure_) return;
        segment = next_++;
      }
      try {
        const bool whole = ReadOne(segment);
        if (hooks_.after_segment) hooks_.after_segment();
        const std::lock_guard lock(mutex_);
        truncated_ |= !whole;
      } catch (...) {
        const std::lock_guard lock(mutex_);
        failure_ = std::current_exception();
      }
    }
  }

  bool ReadOne(size_t segment) {
    const uint64_t begin = uint64_t(segment) * kSegmentBytes, end = std::min(bytes_, begin + kSegmentBytes);
    PieceCursor cursor(into_, begins_, begin);
    Hash128 hash;
    for (uint64_t at = begin; at < end;) {
      const auto part = cursor.Next(size_t(end - at));
      size_t wanted = 0;
      for (const std::span<std::byte> piece : part) wanted += piece.size();
      if (file_.ReadAt(offset_ + at, part) != wanted) return false;
      for (const std::span<std::byte> piece : part) hash.Update(piece);
      at += wanted;
    }
    digests_[segment] = hash.Hex();
    return true;
  }

  const File& file_;
  const uint64_t offset_, bytes_;
  const BlockPieces& into_;
  const ReadHooks& hooks_;
  std::vector<uint64_t> begins_;
  std::vector<std::string> digests_;
  std::mutex mutex_;
  std::condition_variable left_;
  size_t next_ = 0;
  int helpers_ = 0;
  bool closed_ = false, truncated_ = false;
  std::exception_ptr failure_;
};

}  // namespace

void HashSegments(std::span<const std::byte> data, Hash128& hash) {
  for (; !data.empty(); data = data.subspan(std::min(kSegmentBytes, data.size()))) {
    Hash128 segment;
    segment.Update(data.first(std::min(kSegmentBytes, data.size())));
    hash.Update(AsBytes(segment.Hex()));
  }
}

bool HashFileSegments(const File& file, uint64_t offset, uint64_t bytes, Hash128& hash,
                      const std::function<void()>& after_segment) {
  std::vector<std::byte> memory(size_t(std::min<uint64_t>(bytes, kSegmentBytes)));
  for (uint64_t at = 0; at < bytes; at += kSegmentBytes) {
    const std::span<std::byte> segment(memory.data(), size_t(std::min<uint64_t>(bytes - at, kSegmentBytes)));
    if (file.ReadAt(offset + at, segment) != segment.size()) return false;
    HashSegments(segment, hash);
    if (after_segment) after_segment();
  }
  return true;
}

bool ReadSegments(const File& file, uint64_t offset, uint64_t bytes, const BlockPieces& into, Hash128& hash,
                  const ReadHooks& hooks) {
  const auto read = std::make_shared<SegmentedRead>(file, offset, bytes, into, hooks);
  if (hooks.ask_for_help && read->segments() > 1) hooks.ask_for_help([read] { read->Help(); });
  read->Finish();
  if (read->truncated()) return false;
  for (const std::string& digest : read->digests()) hash.Update(AsBytes(digest));
  return true;
}

}  // namespace resident
