// Files as the system gives them: in parts, and not always files.
#include "core/file.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <vector>

#include "check.h"
#include "core/read_pieces.h"
#include "tiny_model.h"

using namespace resident;

namespace {

/** A system whose calls read a random part of what is asked for, or are interrupted. */
struct UnwillingSystem {
  std::string text;
  std::mt19937 random{1};
  int calls = 0;

  ssize_t operator()(const iovec* pieces, int count, uint64_t offset) {
    ++calls;
    if (random() % 4 == 0) {
      errno = EINTR;
      return -1;
    }
    if (offset >= text.size()) return 0;
    size_t left = std::min<size_t>(text.size() - offset, 1 + random() % 100), at = offset;
    for (int i = 0; i < count && left > 0; ++i) {
      const size_t part = std::min(left, pieces[i].iov_len);
      std::memcpy(pieces[i].iov_base, text.data() + at, part);
      at += part;
      left -= part;
    }
    return ssize_t(at - offset);
  }
};

}  // namespace

TEST("a call that reads less than was asked for is no end of a file") {
  std::string text;
  for (int i = 0; i < 5000; ++i) text.push_back(char(i * 31));
  for (const size_t piece : {size_t(1), size_t(13), size_t(700), size_t(6000)}) {
    for (const uint64_t offset : {uint64_t(0), uint64_t(77), uint64_t(4999), uint64_t(5000)}) {
      std::string into(6000, '?');
      std::vector<std::span<std::byte>> pieces;
      const std::span<std::byte> all = std::as_writable_bytes(std::span(into));
      for (size_t at = 0; at < all.size(); at += piece) {
        pieces.push_back(all.subspan(at, std::min(piece, all.size() - at)));
        if (at % 3 == 0) pieces.emplace_back();  // an empty one
      }
      UnwillingSystem system{text};
      const auto done = ReadPieces(std::ref(system), offset, pieces);
      CHECK_EQUAL(done.value(), text.size() - offset);
      CHECK(into.substr(0, *done) == text.substr(offset));
      CHECK(into.find_first_not_of('?', *done) == std::string::npos);
    }
  }
  std::byte byte{};
  const std::span<std::byte> one[] = {std::span(&byte, 1)};
  CHECK(!ReadPieces([](const iovec*, int, uint64_t) { return errno = EIO, ssize_t(-1); }, 0, one));
}

TEST("a file is read into more pieces than one call takes") {
  const TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 3000; ++i) text.push_back(char('a' + i % 26));
  WriteText(folder / "file", text);
  std::string into(text.size() + 5, '?');
  std::vector<std::span<std::byte>> pieces;
  for (size_t at = 0; at < into.size(); at += 5) {
    pieces.push_back(std::as_writable_bytes(std::span(into)).subspan(at, std::min<size_t>(5, into.size() - at)));
  }
  CHECK_EQUAL(File::OpenForReading(folder / "file").ReadAt(0, pieces), text.size());
  CHECK(into == text + "?????");
}

TEST("folders, FIFOs, devices and links to them are refused in place of a file and of a lock, and nobody waits") {
  const TemporaryFolder folder;
  CHECK_EQUAL(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  std::filesystem::create_directory(folder / "folder");
  std::filesystem::create_symlink(folder / "fifo", folder / "link to fifo");
  std::filesystem::create_symlink("/dev/zero", folder / "link to zero");
  for (const char* name : {"fifo", "folder", "link to fifo", "link to zero"}) {
    for (const auto& open : {File::OpenForReading, File::OpenLock}) {
      bool refused = false;
      try {
        open(folder / name);
      } catch (const NotRegularFile& error) {
        refused = error.code() == ErrorCode::kIoFailure &&
                  std::string(error.what()) == folder / name + " is not a regular file";
      }
      if (!refused) CHECK_EQUAL(std::string(name), std::string("refused"));
    }
    CHECK_THROWS("IO_FAILURE", ReadText(folder / name, 100));
  }
}

TEST("a text that is longer than it may be is not read") {
  const TemporaryFolder folder;
  WriteText(folder / "file", "");
  std::filesystem::resize_file(folder / "file", uint64_t(1) << 40);
  CHECK_THROWS("IO_FAILURE", ReadText(folder / "file", 1 << 20));
}

TEST("folders are made for their owner only, and those above them") {
  const TemporaryFolder folder;
  MakeFolder(folder / "a/b/c");
  MakeFolder(folder / "a/b/c");
  for (const char* name : {"a", "a/b", "a/b/c"}) {
    struct stat status{};
    CHECK_EQUAL(::stat((folder / name).c_str(), &status), 0);
    CHECK_EQUAL(status.st_mode & 0777, mode_t(0700));
  }
  WriteText(folder / "file", "");
  CHECK_THROWS("IO_FAILURE", MakeFolder(folder / "file/below"));
}

TEST("a stamp changes with each write, also where the time of modification is set back") {
  const TemporaryFolder folder;
  WriteText(folder / "file", "one");
  const auto before = StampOf(folder / "file");
  CHECK(before == File::OpenForReading(folder / "file").Stamp());
  const auto written = std::filesystem::last_write_time(folder / "file");
  WriteText(folder / "file", "two");
  std::filesystem::last_write_time(folder / "file", written);
  const auto after = StampOf(folder / "file");
  CHECK_EQUAL(after->modified_ns, before->modified_ns);
  CHECK_EQUAL(after->inode, before->inode);
  CHECK(!(after == before));
  CHECK(!StampOf(folder / "none"));
}
