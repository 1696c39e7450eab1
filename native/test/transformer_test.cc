#include "kernels/transformer.h"

#include <cmath>
#include <limits>

#include "check.h"

using namespace resident::kernels;

namespace {

constexpr int kHeadDim = 16;

Matrices Dense(const std::vector<float>& weights, int outputs) {
  Matrices matrices;
  matrices.emplace_back(SourceMatrix{.outputs = outputs, .inputs = kHeadDim, .weights = weights.data()});
  return matrices;
}

}  // namespace

TEST("a step reserves the rotary pages of its own rows, however far they stand") {
  constexpr int kBlockTokens = 64, kStart = 128'000;
  const std::vector<float> weights(2 * kHeadDim * kHeadDim, 0.01f), ones(kHeadDim, 1.f);
  const Matrices query_key = Dense(weights, 2 * kHeadDim), value = Dense(weights, kHeadDim),
                 out = Dense(weights, kHeadDim);
  const NormWeight norm(ones);
  Rotary rotary(resident::RopeTable{}, kHeadDim);
  const AttentionWeights attention{.norm = &norm,
                                   .output_norm = nullptr,
                                   .query_key = &query_key,
                                   .value = &value,
                                   .output = &out,
                                   .query_norm = nullptr,
                                   .key_norm = nullptr,
                                   .rotary = &rotary,
                                   .heads = 1,
                                   .kv_heads = 1,
                                   .head_dim = kHeadDim,
                                   .window = 0,
                                   .norm_eps = 1e-5f,
                                   .scale = 1};
  // One block stands for all of the context.
  const std::vector<int32_t> table(kStart / kBlockTokens + 1, 0);
  std::vector<float> k(kBlockTokens * kHeadDim + 16), v(k), x(2 * kHeadDim, 1.f);
  const LayerCache cache{k.data(), v.data(), FloatType::kF32};
  Transformer transformer(Level::kScalar, 1);
  const Rows rows{{kStart, 5}, {{0, 0}, {0, 5}}, {{0, 1, kStart, table.data()}, {1, 1, 5, table.data()}}, kBlockTokens};
  transformer.Attend(attention, rows, cache, x.data(), x.data());
  CHECK_EQUAL(rotary.pages(), 2);
  for (const float value_of_x : x) CHECK(std::isfinite(value_of_x));
}

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
