#pragma once
#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace resident {

/** XXH3, 128 bits, over bytes given piece by piece. Finds damage; it is no defence against a forger. */
class Hash128 {
 public:
  Hash128();
  ~Hash128();
  void Update(std::span<const std::byte> bytes);
  /** 32 lower-case hex digits. */
  std::string Hex() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

constexpr size_t kHashHexDigits = 32;

}  // namespace resident
