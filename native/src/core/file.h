#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "core/error.h"

namespace resident {

/** Which file it is and when its bytes were last written. `changed_ns` cannot be set back by a program. */
struct FileStamp {
  uint64_t device = 0, inode = 0, size_bytes = 0;
  int64_t modified_ns = 0, changed_ns = 0;  // since 1970
  bool operator==(const FileStamp&) const = default;
};

/** There is something at a path, and it is no regular file: a folder, a FIFO, a device. IO_FAILURE. */
class NotRegularFile : public Error {
 public:
  explicit NotRegularFile(const std::string& path);
};

/** An open file that closes itself. Reads ask for exact ranges: a short file is an answer, never stale bytes. */
class File {
 public:
  /**
   * Opens for reading. Throws Error (IO_FAILURE, facts: path, errno) and NotRegularFile. Never waits for another
   * process, as opening a FIFO would.
   */
  static File OpenForReading(const std::string& path);
  /** Creates a new file with owner-only rights. Throws Error (DISK_FULL, IO_FAILURE). */
  static File CreateNew(const std::string& path);
  /** Opens a lock file, or creates one with owner-only rights. Throws as OpenForReading does. */
  static File OpenLock(const std::string& path);

  File(File&& other) noexcept;
  File& operator=(File&& other) = delete;
  File(const File&) = delete;
  ~File();

  /**
   * What is read once and kept elsewhere: on a Mac its pages no longer stay in the file cache, which is memory that a
   * pool is about to need. Elsewhere the system gives such pages up by itself.
   */
  void ReadOnce() const;

  const std::string& path() const { return path_; }
  uint64_t SizeBytes() const;
  FileStamp Stamp() const;

  /** Fills `into` from `offset`; returns how many bytes there were (fewer only at the end of the file). */
  size_t ReadAt(uint64_t offset, std::span<std::byte> into) const;
  /** The same into pieces of memory, one after the other. */
  size_t ReadAt(uint64_t offset, std::span<const std::span<std::byte>> into) const;
  void Write(std::span<const std::byte> bytes);
  /** Replaces as many bytes at the beginning. */
  void Rewrite(std::span<const std::byte> bytes);
  /** Closes, and reports what only close can (a full disk over a network). */
  void Close();
  /** Says that the file was used then, in milliseconds since 1970. False where that may not be changed. */
  bool SetUsedAt(double ms) const;
  /** Takes an exclusive flock without waiting; false when another holder has it. */
  bool TryLock();
  /** Takes a shared one, which others may share but nobody has exclusively. */
  bool TrySharedLock();

 private:
  bool TryFlock(int kind);

  File(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}

  std::string path_;
  int fd_;
};

bool FileExists(const std::string& path);

/** Empty where nothing can be found at the path. Follows links. */
std::optional<FileStamp> StampOf(const std::string& path);

/** Makes a folder for its owner only, and those above it that are missing. Throws Error: DISK_FULL, IO_FAILURE. */
void MakeFolder(const std::string& path);

/** A whole small file as text. Throws Error: IO_FAILURE, also when it is longer than `max_bytes`. */
std::string ReadText(const std::string& path, uint64_t max_bytes);

/** Writes `<path>.tmp-<pid>-<n>`, then renames. The temporary file is removed on failure. */
void WriteAtomically(const std::string& path, std::span<const std::span<const std::byte>> pieces);

inline std::span<const std::byte> AsBytes(const std::string& text) {
  return std::as_bytes(std::span<const char>(text.data(), text.size()));
}

}  // namespace resident
