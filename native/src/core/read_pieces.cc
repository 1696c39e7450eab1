#include "core/read_pieces.h"

#include <algorithm>
#include <cerrno>

namespace resident {

std::optional<size_t> ReadPieces(const ReadVector& read, uint64_t offset, std::span<const std::span<std::byte>> into) {
  constexpr size_t kMostPieces = 64;
  size_t done = 0, first = 0, filled = 0;  // `filled` bytes of the piece `first`
  for (;;) {
    iovec pieces[kMostPieces];
    size_t count = 0, asked = 0;
    for (size_t i = first; i < into.size() && count < kMostPieces && asked < kMaxTransferBytes; ++i) {
      const std::span<std::byte> rest = into[i].subspan(i == first ? filled : 0);
      const size_t bytes = std::min(rest.size(), kMaxTransferBytes - asked);
      if (bytes == 0) continue;
      pieces[count++] = {rest.data(), bytes};
      asked += bytes;
    }
    if (asked == 0) return done;
    const ssize_t got = read(pieces, int(count), offset + done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return done;
    done += size_t(got);
    filled += size_t(got);
    while (first < into.size() && filled >= into[first].size()) filled -= into[first++].size();
  }
}

}  // namespace resident
