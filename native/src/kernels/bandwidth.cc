#include "kernels/bandwidth.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>

#include "kernels/buffer.h"

namespace resident::kernels {
namespace {

constexpr size_t kPieceBytes = 256 << 10;
constexpr int kPasses = 7;

/** Eight sums side by side: the loads decide, not the additions. */
uint64_t Sum(const std::byte* from, size_t bytes) {
  std::array<uint64_t, 8> sums{};
  for (size_t i = 0; i + sizeof sums <= bytes; i += sizeof sums) {
    std::array<uint64_t, 8> words;
    std::memcpy(words.data(), from + i, sizeof words);
    for (size_t k = 0; k < sums.size(); ++k) sums[k] += words[k];
  }
  uint64_t sum = 0;
  for (const uint64_t one : sums) sum += one;
  return sum;
}

}  // namespace

double MeasureReadBandwidth(ThreadPool& pool, size_t bytes) {
  Buffer memory(bytes);
  std::memset(memory.data(), 1, bytes);
  std::atomic<uint64_t> total = 0;  // used, so that the reads are not left out
  std::array<double, kPasses> rates{};
  for (double& rate : rates) {
    const auto started = std::chrono::steady_clock::now();
    pool.Run(int(bytes / kPieceBytes), [&](int piece, int) {
      total.fetch_add(Sum(memory.data() + size_t(piece) * kPieceBytes, kPieceBytes), std::memory_order_relaxed);
    });
    rate = double(bytes) / std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  }
  std::sort(rates.begin(), rates.end());
  return total.load() == 0 ? 0 : rates[kPasses / 2];
}

}  // namespace resident::kernels
