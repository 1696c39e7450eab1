#include "core/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "core/read_pieces.h"

namespace resident {
namespace {

int Open(const std::string& path, int flags) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0600);
    if (fd >= 0) return fd;
    if (errno == EISDIR) throw NotRegularFile(path);
    if (errno != EINTR) throw IoError("opening", path, errno);
  }
}

/** What is there may be anything: without O_NONBLOCK a FIFO waits for its other end. Regular files ignore it. */
int OpenExisting(const std::string& path, int flags) { return Open(path, flags | O_NONBLOCK | O_NOCTTY); }

struct stat StatusOf(int fd, const std::string& path) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) throw IoError("reading", path, errno);
  return status;
}

int64_t Nanoseconds(const timespec& time) { return int64_t(time.tv_sec) * 1'000'000'000 + time.tv_nsec; }

FileStamp StampFrom(const struct stat& status) {
#if defined(__APPLE__)
  const timespec &modified = status.st_mtimespec, &changed = status.st_ctimespec;
#else
  const timespec &modified = status.st_mtim, &changed = status.st_ctim;
#endif
  return {uint64_t(status.st_dev), uint64_t(status.st_ino), uint64_t(status.st_size), Nanoseconds(modified),
          Nanoseconds(changed)};
}

}  // namespace

NotRegularFile::NotRegularFile(const std::string& path)
    : Error(ErrorCode::kIoFailure, path + " is not a regular file", {{"path", path}}) {}

File File::OpenForReading(const std::string& path) {
  File file(path, OpenExisting(path, O_RDONLY));
  if (!S_ISREG(StatusOf(file.fd_, path).st_mode)) throw NotRegularFile(path);
  return file;
}

void File::ReadOnce() const {
#if defined(F_NOCACHE)
  ::fcntl(fd_, F_NOCACHE, 1);  // a file system that cannot changes nothing
#endif
}

File File::CreateNew(const std::string& path) { return File(path, Open(path, O_WRONLY | O_CREAT | O_EXCL)); }

File File::OpenLock(const std::string& path) {
  File file(path, OpenExisting(path, O_RDWR | O_CREAT));
  if (!S_ISREG(StatusOf(file.fd_, path).st_mode)) throw NotRegularFile(path);
  return file;
}

File::File(File&& other) noexcept : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)) {}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

uint64_t File::SizeBytes() const { return uint64_t(StatusOf(fd_, path_).st_size); }

FileStamp File::Stamp() const { return StampFrom(StatusOf(fd_, path_)); }

size_t File::ReadAt(uint64_t offset, std::span<std::byte> into) const {
  const std::span<std::byte> pieces[] = {into};
  return ReadAt(offset, pieces);
}

size_t File::ReadAt(uint64_t offset, std::span<const std::span<std::byte>> into) const {
  const auto read = [fd = fd_](const iovec* pieces, int count, uint64_t at) {
    return ::preadv(fd, pieces, count, off_t(at));
  };
  const std::optional<size_t> done = ReadPieces(read, offset, into);
  if (!done) throw IoError("reading", path_, errno);
  return *done;
}

void File::Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd_, bytes.data(), std::min(bytes.size(), kMaxTransferBytes));
    if (wrote >= 0) {
      bytes = bytes.subspan(size_t(wrote));
    } else if (errno != EINTR) {
      throw IoError("writing", path_, errno);
    }
  }
}

void File::Rewrite(std::span<const std::byte> bytes) {
  if (::lseek(fd_, 0, SEEK_SET) != 0) throw IoError("writing", path_, errno);
  Write(bytes);
}

void File::Close() {
  // After EINTR the descriptor is gone on Linux and macOS alike: closing again could hit another thread's file.
  if (::close(std::exchange(fd_, -1)) != 0 && errno != EINTR) throw IoError("writing", path_, errno);
}

bool File::SetUsedAt(double ms) const {
  timespec time{};
  time.tv_sec = time_t(ms / 1000);
  time.tv_nsec = long((ms - double(time.tv_sec) * 1000) * 1e6);
  const timespec times[] = {time, time};  // accessed, modified
  return ::futimens(fd_, times) == 0;
}

bool File::TryLock() { return TryFlock(LOCK_EX); }

bool File::TrySharedLock() { return TryFlock(LOCK_SH); }

bool File::TryFlock(int kind) {
  for (;;) {
    if (::flock(fd_, kind | LOCK_NB) == 0) return true;
    if (errno == EWOULDBLOCK) return false;
    if (errno != EINTR) throw IoError("locking", path_, errno);
  }
}

bool FileExists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

std::optional<FileStamp> StampOf(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return StampFrom(status);
}

void MakeFolder(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return;
  const size_t slash = path.find_last_of('/');
  if (errno != ENOENT || slash == std::string::npos || slash == 0) throw IoError("making the folder", path, errno);
  MakeFolder(path.substr(0, slash));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) throw IoError("making the folder", path, errno);
}

std::string ReadText(const std::string& path, uint64_t max_bytes) {
  const File file = File::OpenForReading(path);
  const uint64_t size = file.SizeBytes();
  if (size > max_bytes) throw IoError("reading", path, EFBIG);
  std::string text(size, '\0');
  text.resize(file.ReadAt(0, std::as_writable_bytes(std::span(text.data(), text.size()))));
  return text;
}

void WriteAtomically(const std::string& path, std::span<const std::span<const std::byte>> pieces) {
  static std::atomic<uint64_t> counter{0};
  const std::string temporary = path + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(++counter);
  File file = File::CreateNew(temporary);
  try {
    for (const auto piece : pieces) file.Write(piece);
    file.Close();
    if (std::rename(temporary.c_str(), path.c_str()) != 0) throw IoError("renaming", path, errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
}

}  // namespace resident
