#include "kernels/transformer.h"

#include <cmath>
#include <limits>
#include <random>

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

namespace {

/** A step over one cache: each sequence's own block is its last one, behind blocks that all of them have. */
struct Forks {
  static constexpr int kHeads = 6, kKvHeads = 2, kDim = 32, kHidden = 64;
  int block_tokens;
  std::vector<std::vector<int32_t>> tables;
  std::vector<int> starts, rows;

  Rows Step(const std::vector<int>& chosen) const {
    Rows step;
    step.block_tokens = block_tokens;
    for (const int s : chosen) {
      step.sequences.push_back({step.count(), rows[size_t(s)], starts[size_t(s)], tables[size_t(s)].data()});
      for (int i = 0; i < rows[size_t(s)]; ++i) {
        const int position = starts[size_t(s)] + i;
        step.positions.push_back(position);
        step.slots.push_back({tables[size_t(s)][size_t(position / block_tokens)], position % block_tokens});
      }
    }
    return step;
  }
};

Matrices Random(std::mt19937& random, int outputs, int inputs) {
  std::uniform_real_distribution<float> value(-0.2f, 0.2f);
  std::vector<float> weights(size_t(outputs) * size_t(inputs));
  for (float& weight : weights) weight = value(random);
  Matrices matrices;
  matrices.emplace_back(SourceMatrix{.outputs = outputs, .inputs = inputs, .weights = weights.data()});
  return matrices;
}

}  // namespace

TEST("forks that attend to what they share together have the bits of each alone, whatever else is in the step") {
  std::mt19937 random(5);
  using F = Forks;
  const Matrices query_key = Random(random, (F::kHeads + F::kKvHeads) * F::kDim, F::kHidden);
  const Matrices value = Random(random, F::kKvHeads * F::kDim, F::kHidden);
  const Matrices output = Random(random, F::kHidden, F::kHeads * F::kDim);
  const NormWeight norm(std::vector<float>(F::kHidden, 1.f));
  Rotary rotary(resident::RopeTable{}, F::kDim);
  AttentionWeights attention{&norm,   nullptr,   &query_key,  &value,  &output, nullptr, nullptr,
                             &rotary, F::kHeads, F::kKvHeads, F::kDim, 0,       1e-5f,   0.2f};
  for (const int block_tokens : {48, 64}) {
    // Three forks behind 624 or 640 tokens, one of another agent, a chunk of a prompt, then two more forks.
    constexpr int kShared = 10, kSequences = 7;
    const int shared = kShared * block_tokens + (block_tokens == 48 ? 3 * 48 : 0), blocks = shared / block_tokens;
    Forks forks{block_tokens, {}, {}, {}};
    for (int s = 0; s < kSequences; ++s) {
      std::vector<int32_t> table;
      for (int b = 0; b < blocks; ++b) table.push_back(s == 3 || s == 4 ? 20 * s + b : b);
      table.push_back(200 + s);
      forks.tables.push_back(table);
      forks.starts.push_back(shared + (s == 4 ? 0 : 5 * s));
      forks.rows.push_back(s == 4 ? 9 : 1);
    }
    std::vector<int> all(kSequences);
    for (int s = 0; s < kSequences; ++s) all[size_t(s)] = s;
    const std::vector<SharedPrefix> found = SharedPrefixes(attention, forks.Step(all));
    CHECK_EQUAL(found.size(), 2u);
    CHECK(found[0].first == 0 && found[0].count == 3 && found[0].splits == 2);
    CHECK(found[1].first == 5 && found[1].count == 2 && found[1].splits == 2);
    AttentionWeights windowed = attention;
    windowed.window = 100;
    CHECK(SharedPrefixes(windowed, forks.Step(all)).empty());
    // A fork that has gone much further is no part of it.
    Forks uneven = forks;
    uneven.starts[1] = 10 * shared;
    uneven.tables[1].resize(size_t(10 * blocks + 1), 199);
    CHECK_EQUAL(SharedPrefixes(attention, uneven.Step({0, 1, 2})).size(), 0u);

    const size_t floats = size_t(208) * size_t(block_tokens) * F::kKvHeads * F::kDim;
    std::uniform_real_distribution<float> number(-1, 1);
    for (const FloatType type : {FloatType::kF32, FloatType::kF16, FloatType::kQ8}) {
      // Any bytes are 8 bits with scales; those are made small numbers.
      std::vector<float> k(2 * floats + 64), v(2 * floats + 64);
      auto *k_halves = reinterpret_cast<uint16_t*>(k.data()), *v_halves = reinterpret_cast<uint16_t*>(v.data());
      for (size_t i = 0; i < floats; ++i) {
        const float a = number(random), b = number(random);
        if (type == FloatType::kF32) {
          k[i] = a, v[i] = b;
        } else {
          k_halves[i] = ToHalf(a), v_halves[i] = ToHalf(b);
        }
      }
      std::vector<float> x(size_t(kSequences + 8) * F::kHidden);
      for (float& each : x) each = number(random);
      for (const Level level : {Level::kScalar, FastestLevel()}) {
        const auto attend = [&](const std::vector<int>& chosen, int threads) {
          const Rows step = forks.Step(chosen);
          std::vector<float> in, k_copy = k, v_copy = v;
          for (const int s : chosen) {
            const int first = s <= 4 ? s : s + 8, rows = forks.rows[size_t(s)];
            in.insert(in.end(), x.begin() + first * F::kHidden, x.begin() + (first + rows) * F::kHidden);
          }
          Transformer transformer(level, threads);
          transformer.Attend(attention, step, {k_copy.data(), v_copy.data(), type}, in.data(), in.data());
          return in;
        };
        std::vector<float> alone;
        for (int s = 0; s < kSequences; ++s) {
          const std::vector<float> one = attend({s}, 1);
          for (const float each : one) CHECK(std::isfinite(each));
          alone.insert(alone.end(), one.begin(), one.end());
        }
        for (const int threads : {1, 2, 7}) CHECK(attend(all, threads) == alone);
      }
    }
  }
}
