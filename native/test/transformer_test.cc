#include "kernels/transformer.h"

#include <limits>

#include "check.h"

using namespace resident::kernels;

TEST("of equal outputs the lowest is the best one, whichever thread meets which first") {
  constexpr int kInputs = 32, kOutputs = 20000, kFirst = 9900, kRows = 3;
  std::vector<float> weights(size_t(kOutputs) * kInputs, 1.f);
  Matrices head;
  head.emplace_back(SourceMatrix{.outputs = kOutputs, .inputs = kInputs, .weights = weights.data()});
  // From kFirst on one input counts twice: those are the largest, all alike, and begin where the first of two threads
  // has its last outputs, which the other one takes when it is done with its own.
  for (int output = kFirst; output < kOutputs; ++output) weights[size_t(output) * kInputs] = 2.f;
  Matrices higher;
  higher.emplace_back(SourceMatrix{.outputs = kOutputs, .inputs = kInputs, .weights = weights.data()});
  const std::vector<float> ones(kInputs, 1.f);
  const NormWeight norm(ones);
  std::vector<float> x(size_t(kRows) * kInputs, 0.5f);
  std::fill_n(x.begin() + kInputs, kInputs, std::numeric_limits<float>::quiet_NaN());
  for (const int threads : {1, 2, 5}) {
    Transformer transformer(Level::kScalar, threads);
    for (int round = 0; round < 100; ++round) {
      std::vector<int32_t> best(kRows);
      transformer.Best(norm, 1e-5f, head, kRows, x.data(), best.data());
      CHECK(best == std::vector<int32_t>({0, -1, 0}));
      transformer.Best(norm, 1e-5f, higher, kRows, x.data(), best.data());
      CHECK(best == std::vector<int32_t>({kFirst, -1, kFirst}));
    }
  }
}
