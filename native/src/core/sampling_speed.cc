#include "core/sampling_speed.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/ops.h"
#include "core/sampler.h"
#include "kernels/thread_pool.h"

namespace resident {
namespace {

constexpr int kPasses = 9, kMostRows = 256, kMostWords = 1 << 20;

/** Zipf's law, in an order that is random. */
std::vector<float> MadeUpLogits(int words) {
  std::vector<float> logits;
  for (int i = 0; i < words; ++i) logits.push_back(float(-std::log(1 + words * UniformAt(1, uint64_t(i)))));
  return logits;
}

}  // namespace

double MeasureSampling(int rows, int words, int threads) {
  if (rows < 1 || rows > kMostRows || words < 1 || words > kMostWords) {
    throw Error(ErrorCode::kInvalidRequest, "there must be 1 to 256 rows of 1 to 1,048,576 words",
                {{"rows", double(rows)}, {"words", double(words)}});
  }
  kernels::ThreadPool pool(ChooseThreads(threads));
  SamplingParams params;
  params.temperature = 0.7;
  params.top_p = 0.9;
  params.penalties.repetition = 1.1;
  params.answer.recent_ids = {0};
  const Penalties penalties(params.penalties, params.answer);
  const std::vector<float> fresh = MadeUpLogits(words);
  std::vector<std::vector<float>> logits(size_t(rows), fresh);
  std::atomic<bool> drawn = true;
  std::array<double, kPasses> passes_ms{};
  for (size_t pass = 0; pass < passes_ms.size(); ++pass) {
    for (std::vector<float>& row : logits) row = fresh;
    const auto started = std::chrono::steady_clock::now();
    pool.Run(rows, [&](int row, int) {
      try {
        if (!SampleToken(logits[size_t(row)], params, penalties, int64_t(pass))) drawn = false;
      } catch (...) {  // no memory: a thread of the pool must not end with it
        drawn = false;
      }
    });
    const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - started;
    passes_ms[pass] = spent.count();
  }
  std::sort(passes_ms.begin(), passes_ms.end());
  return drawn ? passes_ms[kPasses / 2] : 0;
}

}  // namespace resident
