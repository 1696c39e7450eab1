#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace resident::kernels {

constexpr size_t kHugePage = size_t(2) << 20;

/** A wish for the whole huge pages inside the range: where it is not granted, only speed is lost. */
inline void PreferHugePages([[maybe_unused]] std::byte* memory, [[maybe_unused]] size_t bytes) {
#if defined(__linux__)
  const auto begin = (reinterpret_cast<uintptr_t>(memory) + kHugePage - 1) / kHugePage * kHugePage;
  const auto end = (reinterpret_cast<uintptr_t>(memory) + bytes) / kHugePage * kHugePage;
  if (begin < end) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
}

/** Memory that is streamed: on huge pages where the system gives them, since every step walks through all of it. */
class Buffer {
 public:
  Buffer() = default;
  /** Throws std::bad_alloc. Contents are undefined. */
  explicit Buffer(size_t bytes) : bytes_(bytes) {
    const size_t alignment = bytes >= kHugePage ? kHugePage : kLine;
    const size_t rounded = (bytes + alignment - 1) / alignment * alignment;
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded)));
    if (!memory_) throw std::bad_alloc();
    PreferHugePages(memory_.get(), rounded);
  }

  std::byte* data() { return memory_.get(); }
  const std::byte* data() const { return memory_.get(); }
  size_t bytes() const { return bytes_; }
  /** At least `bytes`, growing by half; contents are lost when it grows. */
  void Reserve(size_t bytes) {
    if (bytes > bytes_) *this = Buffer(bytes + bytes / 2);
  }
  /** The same as floats. */
  float* ReserveFloats(size_t count) {
    Reserve(count * sizeof(float));
    return reinterpret_cast<float*>(data());
  }

 private:
  static constexpr size_t kLine = 64;
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  size_t bytes_ = 0;
};

}  // namespace resident::kernels
