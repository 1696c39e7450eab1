// Cuts that keep the most likely, against sorting.
#include "core/likely.h"

#include <algorithm>
#include <limits>

#include "check.h"
#include "distributions.h"
#include "plain_sampler.h"

using namespace resident;

namespace {

struct Drawable {
  std::vector<float> logits, weights;
  std::vector<plain::Weighted> sorted;  // all of finite logit
  double total = 0;
};

Drawable Make(Distributions& random, size_t words) {
  Drawable made{random.Logits(words), {}, {}};
  for (float& logit : made.logits) {
    if (std::isnan(logit)) logit = -std::numeric_limits<float>::infinity();
  }
  const float largest = *std::max_element(made.logits.begin(), made.logits.end());
  if (!std::isfinite(largest)) return Make(random, words);
  made.weights = plain::WeightsOf(made.logits, largest, random.Below(2) == 0 ? 1 : 0.7);
  for (size_t i = 0; i < words; ++i) {
    if (std::isfinite(made.logits[i])) made.sorted.push_back({{int32_t(i), made.logits[i]}, made.weights[i]});
    made.total += double(made.weights[i]);
  }
  std::sort(made.sorted.begin(), made.sorted.end(), MoreLikely);
  return made;
}

}  // namespace

TEST("the most likely by number or by weight are those that sorting would find") {
  Distributions random(1);
  for (int round = 0; round < 1500; ++round) {
    const size_t words = size_t(1 + random.Below(round % 50 == 0 ? 20'000 : 700));
    const Drawable made = Make(random, words);
    for (const size_t count : {size_t(1), size_t(1 + random.Below(int(words))), words, words + 7}) {
      std::vector<int32_t> expected, ids;
      for (size_t i = 0; i < std::min(count, made.sorted.size()); ++i) expected.push_back(made.sorted[i].id);
      std::sort(expected.begin(), expected.end());
      for (const Candidate& c : MostLikely(made.logits, count)) ids.push_back(c.id);
      CHECK(ids == expected);
    }
    for (const double share : {0.0, 1e-9, random.Uniform(), 0.9, 0.999999}) {
      std::vector<plain::Weighted> kept = made.sorted;
      plain::CutShare(kept, share, made.total);
      std::vector<float> expected(words), weights = made.weights;
      for (const plain::Weighted& c : kept) expected[size_t(c.id)] = c.weight;
      KeepShare(made.logits, weights, share);
      CHECK(weights == expected);
    }
  }
}

TEST("a share of equal weights is cut by their ids, to the last one") {
  std::vector<float> logits;
  for (int id = 0; id < 1000; ++id) logits.push_back(id % 2 == 0 ? 0.f : -0.f);
  for (int count = 1; count < 1000; ++count) {
    std::vector<float> weights(1000, 1.f);
    KeepShare(logits, weights, count / 1000.0);
    for (int id = 0; id < 1000; ++id) CHECK_EQUAL(weights[size_t(id)], id < count ? 1.f : 0.f);
  }
}

TEST("a pick falls where the weights before it add up to, never on one below the least, and always on one") {
  Distributions random(2);
  for (int round = 0; round < 2000; ++round) {
    const Drawable made = Make(random, size_t(1 + random.Below(1000)));
    const float least = random.Below(2) == 0 ? std::numeric_limits<float>::denorm_min() : float(random.Uniform());
    const double uniform = round % 10 == 0 ? 1 - 0x1.0p-53 : round % 10 == 1 ? 0 : random.Uniform();
    double total = 0, before = 0;
    for (const float weight : made.weights) total += weight >= least ? double(weight) : 0;
    const size_t picked = Pick(made.weights, least, uniform);
    CHECK(made.weights[picked] >= least);
    for (size_t i = 0; i < picked; ++i) before += made.weights[i] >= least ? double(made.weights[i]) : 0;
    CHECK(before <= uniform * total * (1 + 1e-12));
    CHECK(before + double(made.weights[picked]) >= uniform * total * (1 - 1e-12));
  }
}
