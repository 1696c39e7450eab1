#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/checkpoint.h"
#include "core/file.h"
#include "core/hash.h"

namespace resident {

/**
 * What files held when their bytes were last hashed, by their stamps. So the id of weights is known without reading
 * them, as long as nobody has written to their files. A small JSON text, the newest entry last.
 */
class DigestMemory {
 public:
  DigestMemory() = default;
  /** Empty for a text that is damaged or of another version: what is forgotten is hashed again. */
  explicit DigestMemory(std::string_view text);
  std::string Text() const;

  std::optional<Digest128> Find(const FileStamp& stamp) const;
  /** The oldest entries are forgotten where there are too many. */
  void Remember(const FileStamp& stamp, const Digest128& digest);

 private:
  std::vector<std::pair<std::string, Digest128>> entries_;  // by the stamp's text
};

/**
 * A later write may leave the same stamp, because the clock of a file system may be as coarse as two seconds. So a file
 * that was written less than two seconds before `read_from_ns`, when its reading began, is not remembered.
 */
bool IsSettled(const FileStamp& stamp, int64_t read_from_ns);

/** The file in `home` that a DigestMemory is kept in. */
std::string DigestMemoryPath(const std::string& home);

/** Adds the digests of a checkpoint's files. A home that cannot be written remembers nothing, and that is no failure.
 */
void RememberDigests(const std::string& home, const FileDigests& files, int64_t read_from_ns);

/** The id of a checkpoint's weights where all its files are as they were when they were remembered. */
std::optional<std::string> RememberedId(const std::string& home, const Checkpoint& checkpoint);

}  // namespace resident
