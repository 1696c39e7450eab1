#include "core/sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "check.h"
#include "distributions.h"
#include "plain_sampler.h"

using namespace resident;

namespace {

std::optional<Sample> TryDraw(std::vector<float> logits, const SamplingParams& params, int64_t position = 0) {
  return SampleToken(logits, params, Penalties(params.penalties, params.answer), position);
}

Sample Draw(std::vector<float> logits, const SamplingParams& params, int64_t position = 0) {
  return TryDraw(std::move(logits), params, position).value();
}

/** Share of each id over `count` draws at different positions. */
std::map<int32_t, double> Shares(const std::vector<float>& logits, const SamplingParams& params, int count = 20000) {
  std::map<int32_t, double> shares;
  for (int i = 0; i < count; ++i) shares[Draw(logits, params, i).id] += 1.0 / count;
  return shares;
}

SamplingParams Warm(double temperature = 1) {
  SamplingParams params;
  params.temperature = temperature;
  params.seed = 42;
  return params;
}

std::vector<float> Logs(std::initializer_list<double> probabilities) {
  std::vector<float> logits;
  for (const double p : probabilities) logits.push_back(float(std::log(p)));
  return logits;
}

}  // namespace

TEST("draws follow the distribution, and temperature bends it") {
  const auto plain = Shares(Logs({0.5, 0.3, 0.15, 0.05}), Warm());
  CHECK_NEAR(plain.at(0), 0.5, 0.015);
  CHECK_NEAR(plain.at(1), 0.3, 0.015);
  CHECK_NEAR(plain.at(2), 0.15, 0.015);
  CHECK_NEAR(plain.at(3), 0.05, 0.015);
  const auto hot = Shares(Logs({0.8, 0.2}), Warm(2));
  CHECK_NEAR(hot.at(0), 2.0 / 3, 0.015);
}

TEST("a draw depends on seed and position alone") {
  const std::vector<float> logits(1000, 0.f);
  SamplingParams params = Warm();
  CHECK_EQUAL(Draw(logits, params, 7).id, Draw(logits, params, 7).id);
  CHECK(Draw(logits, params, 7).id != Draw(logits, params, 8).id);
  const int32_t before = Draw(logits, params, 7).id;
  params.seed = 43;
  CHECK(Draw(logits, params, 7).id != before);
}

TEST("uniform numbers fill the unit interval evenly for neighbouring seeds and positions") {
  std::vector<int> buckets(20);
  for (uint64_t seed = 0; seed < 100; ++seed) {
    for (uint64_t position = 0; position < 100; ++position) ++buckets[size_t(UniformAt(seed, position) * 20)];
  }
  for (const int count : buckets) CHECK(count > 400 && count < 600);
}

TEST("greedy takes the lowest of equal ids") {
  CHECK_EQUAL(Draw({1, 3, 3, 2}, {}).id, 1);
  CHECK_EQUAL(Draw({0, 0, 0}, {}).id, 0);
}

TEST("top-k, top-p and min-p keep what they promise") {
  const std::vector<float> logits = Logs({0.05, 0.5, 0.15, 0.3});
  SamplingParams params = Warm();
  params.top_k = 2;
  auto shares = Shares(logits, params, 4000);
  CHECK_EQUAL(shares.size(), size_t(2));
  CHECK_NEAR(shares.at(1), 0.625, 0.03);
  params = Warm();
  params.top_p = 0.75;  // 0.5 alone does not reach it, 0.5 + 0.3 does
  shares = Shares(logits, params, 4000);
  CHECK_EQUAL(shares.size(), size_t(2));
  CHECK(shares.contains(1) && shares.contains(3));
  params.top_p = 0.5;
  CHECK_EQUAL(Shares(logits, params, 1000).size(), size_t(1));
  params = Warm();
  params.min_p = 0.25;  // of 0.5
  CHECK_EQUAL(Shares(logits, params, 4000).size(), size_t(3));
  params.min_p = 1;
  CHECK_EQUAL(Shares(logits, params, 1000).size(), size_t(1));
  params.top_k = 1000;
  CHECK_EQUAL(Draw(logits, params).id, 1);
}

TEST("ties at the border of top-k go to the lower id") {
  SamplingParams params = Warm();
  params.top_k = 2;
  for (const auto& [id, share] : Shares({1, 1, 1, 1}, params, 500)) CHECK(id < 2);
}

TEST("penalties and bias change the logits as described") {
  SamplingParams params;
  params.penalties.repetition = 2;
  params.answer.recent_ids = {0, 0, 1};
  params.logprobs = 3;
  // 4 → 2, -1 → -2, 1.5 stays: now 0 leads, then 2, then 1.
  Sample sample = Draw({4, -1, 1.5f}, params);
  CHECK_EQUAL(sample.top_ids, (std::vector<int32_t>{0, 2, 1}));
  CHECK_NEAR(sample.top_logprobs[0] - sample.top_logprobs[1], 0.5, 1e-5);
  CHECK_NEAR(sample.top_logprobs[1] - sample.top_logprobs[2], 3.5, 1e-5);
  params = {};
  params.penalties.presence = 1;
  params.penalties.frequency = 0.5;
  params.answer = {.recent_ids = {}, .ids = {0, 1}, .counts = {3, 1}};
  params.logprobs = 3;
  sample = Draw({4, 3, 2.2f}, params);  // 4 - 1 - 1.5, 3 - 1 - 0.5, 2.2
  CHECK_EQUAL(sample.top_ids, (std::vector<int32_t>{2, 0, 1}));
  params = {};
  params.bias_ids = {2};
  params.bias_values = {100};
  CHECK_EQUAL(Draw({4, 3, 2}, params).id, 2);
  params.bias_values = {-std::numeric_limits<float>::infinity()};
  params.bias_ids = {0};
  CHECK_EQUAL(Draw({4, 3, 2}, params).id, 1);
}

TEST("log-probabilities are those of the whole distribution") {
  SamplingParams params = Warm(0.5);
  params.top_k = 1;
  params.logprobs = 2;
  const Sample sample = Draw(Logs({0.1, 0.7, 0.2}), params);
  CHECK_EQUAL(sample.id, 1);
  CHECK_NEAR(sample.logprob, std::log(0.7), 1e-5);
  CHECK_EQUAL(sample.top_ids, (std::vector<int32_t>{1, 2}));
  CHECK_NEAR(sample.top_logprobs[1], std::log(0.2), 1e-5);
  params.logprobs = -1;
  CHECK(Draw(Logs({0.1, 0.7, 0.2}), params).top_ids.empty());
}

TEST("logits that are no numbers are never drawn, and nothing is where the largest is not finite") {
  const float nan = std::nanf(""), infinity = std::numeric_limits<float>::infinity();
  CHECK_EQUAL(Draw({nan, 1, 2}, {}).id, 2);
  CHECK_EQUAL(Shares({nan, 1, -infinity}, Warm(), 100).size(), size_t(1));
  CHECK(!TryDraw({nan, nan}, Warm()));
  CHECK(!TryDraw({-infinity, nan}, {}));
  CHECK(!TryDraw({infinity, 1}, Warm()));
}

TEST("what is sampled is what sorting all of the vocabulary would give, ties and what is no number included") {
  Distributions random(4);
  for (int round = 0; round < 4000; ++round) {
    const size_t words = size_t(1 + random.Below(round % 200 == 0 ? 50'000 : 400));
    const std::vector<float> logits = random.Logits(words);
    const SamplingParams params = random.Params(words);
    const Penalties penalties(params.penalties, params.answer);
    for (int64_t position = 0; position < 4; ++position) {
      const std::optional<Sample> expected = plain::SampleToken(logits, params, penalties, position);
      const std::optional<Sample> sample = TryDraw(logits, params, position);
      CHECK_EQUAL(sample.has_value(), expected.has_value());
      if (!sample) continue;
      CHECK_EQUAL(sample->id, expected->id);
      CHECK_EQUAL(sample->has_logprob, expected->has_logprob);
      CHECK_EQUAL(sample->logprob, expected->logprob);
      CHECK_EQUAL(sample->top_ids, expected->top_ids);
      CHECK_EQUAL(sample->top_logprobs, expected->top_logprobs);
    }
  }
}

TEST("at the bounds of its parameters a draw is one of the most likely, and never nothing") {
  const std::vector<float> logits = Logs({0.05, 0.5, 0.15, 0.3});
  SamplingParams params = Warm();
  for (const double top_p : {0.0, std::numeric_limits<double>::denorm_min(), 1e-300}) {
    params.top_p = top_p;
    for (const auto& [id, share] : Shares(logits, params, 200)) CHECK_EQUAL(id, 1);
    CHECK_EQUAL(Draw({2, 2, 2}, params).id, 0);
  }
  params = Warm(std::numeric_limits<double>::denorm_min());
  for (const auto& [id, share] : Shares(logits, params, 200)) CHECK_EQUAL(id, 1);
  params.top_p = 0.5;
  CHECK_EQUAL(Draw(logits, params).id, 1);
  params = Warm(100);
  params.top_k = std::numeric_limits<int32_t>::max();
  CHECK_EQUAL(Shares(logits, params, 400).size(), size_t(4));
}

TEST("a penalty counts the last 64 tokens, or how often an answer has each id, as tokens come") {
  const auto penalised = [](const Penalties& penalties, size_t ids) {
    std::vector<float> logits(ids, 1.f);
    penalties.Apply(logits);
    return logits;
  };
  AnswerTokens answer;
  for (int32_t id = 0; id < 64; ++id) answer.recent_ids.push_back(id);
  Penalties repetition({.repetition = 2, .presence = 0, .frequency = 0}, answer);
  for (const float logit : penalised(repetition, 64)) CHECK_EQUAL(logit, 0.5f);
  for (int round = 0; round < 3; ++round) repetition.Add(70);
  std::vector<float> logits = penalised(repetition, 80);
  for (size_t id = 0; id < 80; ++id) CHECK_EQUAL(logits[id], (id > 2 && id < 64) || id == 70 ? 0.5f : 1.f);
  for (int32_t id = 0; id < 200; ++id) repetition.Add(id % 2);
  logits = penalised(repetition, 80);
  for (size_t id = 0; id < 80; ++id) CHECK_EQUAL(logits[id], id < 2 ? 0.5f : 1.f);

  Penalties counted({.repetition = 1, .presence = 0.5, .frequency = 0.25}, {{}, {3, 5}, {2, 1}});
  for (const int32_t id : {5, 7, 7}) counted.Add(id);
  logits = penalised(counted, 8);
  CHECK_EQUAL(logits, (std::vector<float>{1, 1, 1, 0, 1, 0, 1, 0}));
}
