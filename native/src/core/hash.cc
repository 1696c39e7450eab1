#include "core/hash.h"

#if defined(__x86_64__)
// AVX2 where the processor has it: the digest is the same, three times as fast.
#define XXH_DISPATCH_AVX512 0
#include <xxh_x86dispatch.c>
#define UPDATE XXH3_128bits_update_dispatch
#else
#define XXH_INLINE_ALL
#include <xxhash.h>
#define UPDATE XXH3_128bits_update
#endif

#include <cstdio>

namespace resident {

struct Hash128::State {
  XXH3_state_t state;
};

Hash128::Hash128() : state_(std::make_unique<State>()) { XXH3_128bits_reset(&state_->state); }

Hash128::~Hash128() = default;

void Hash128::Update(std::span<const std::byte> bytes) {
  if (!bytes.empty()) UPDATE(&state_->state, bytes.data(), bytes.size());
}

Digest128 Hash128::Digest() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(&state_->state);
  return {hash.high64, hash.low64};
}

Digest128 Digest128::operator+(const Digest128& other) const {
  const uint64_t sum = low + other.low;
  return {high + other.high + (sum < low ? 1 : 0), sum};
}

std::string Digest128::Hex() const {
  char text[kHashHexDigits + 1];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(high),
                static_cast<unsigned long long>(low));
  return text;
}

}  // namespace resident
