#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace resident {

struct Digest128 {
  uint64_t high = 0, low = 0;
  bool operator==(const Digest128&) const = default;
  /** Modulo 2^128. */
  Digest128 operator+(const Digest128& other) const;

  /** 32 lower-case hex digits. */
  std::string Hex() const;
};

/** XXH3, 128 bits, over bytes given piece by piece. Finds damage; it is no defence against a forger. */
class Hash128 {
 public:
  Hash128();
  ~Hash128();
  void Update(std::span<const std::byte> bytes);
  Digest128 Digest() const;
  std::string Hex() const { return Digest().Hex(); }

 private:
  struct State;
  std::unique_ptr<State> state_;
};

constexpr size_t kHashHexDigits = 32;

}  // namespace resident
