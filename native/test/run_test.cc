// What the steps of a run sample, against sampling one sequence after the other.
#include "core/run.h"

#include <algorithm>
#include <map>

#include "check.h"
#include "distributions.h"
#include "plain_sampler.h"

using namespace resident;

namespace {

/** Logits that depend on the token that is fed and on its position, as a model's do; some have none that is finite. */
std::vector<float> LogitsAt(uint64_t seed, int32_t token, int position, size_t words) {
  Distributions random(seed * 1000003 + uint64_t(token) * 4099 + uint64_t(position));
  std::vector<float> logits = random.Logits(words);
  if (random.Below(200) == 0) logits.assign(words, std::nanf(""));
  return logits;
}

struct Answer {
  std::vector<int32_t> ids;
  std::vector<float> logprobs;
  bool failed = false;
  bool operator==(const Answer&) const = default;
};

void Add(Answer& answer, const Sample& sample) {
  answer.ids.push_back(sample.id);
  if (sample.has_logprob) answer.logprobs.push_back(sample.logprob);
  answer.logprobs.insert(answer.logprobs.end(), sample.top_logprobs.begin(), sample.top_logprobs.end());
}

constexpr int kSteps = 6;

struct Asked {
  uint64_t seed;
  int32_t token;
  int start;
  size_t words;
  SamplingParams params;
};

Answer OneAfterTheOther(const Asked& asked) {
  Answer answer;
  Penalties penalties(asked.params.penalties, asked.params.answer);
  int32_t token = asked.token;
  for (int i = 0; i < kSteps; ++i) {
    const int position = asked.start + i;
    const std::optional<Sample> sample =
        plain::SampleToken(LogitsAt(asked.seed, token, position, asked.words), asked.params, penalties, position + 1);
    answer.failed = !sample;
    if (!sample) break;
    Add(answer, *sample);
    token = sample->id;
    penalties.Add(token);
    if (asked.params.IsStop(token)) break;
  }
  return answer;
}

std::vector<Answer> InOneBatch(const std::vector<Asked>& asked, kernels::ThreadPool& threads) {
  StepBatch batch;
  batch.steps = kSteps;
  for (const Asked& one : asked) {
    batch.tokens.push_back(one.token);
    batch.token_counts.push_back(1);
    batch.starts.push_back(one.start);
    batch.tables.push_back(0);
    batch.table_lengths.push_back(1);
    batch.want_token.push_back(1);
    batch.sampling.push_back(one.params);
  }
  const size_t words = asked.front().words;
  const auto step = [&](std::span<const SequenceRows> sequences) {
    StepResult result;
    std::vector<float> logits;
    for (const SequenceRows& rows : sequences) {
      // A start names its sequence: they are further apart than a run is long.
      const auto of = std::ranges::find_if(
          asked, [&](const Asked& one) { return rows.start >= one.start && rows.start < one.start + kSteps; });
      for (size_t i = 0; i < rows.tokens.size(); ++i) {
        const std::vector<float> row = LogitsAt(of->seed, rows.tokens[i], rows.start + int(i), words);
        if (rows.wanted == SequenceRows::Wanted::kLogits) logits.insert(logits.end(), row.begin(), row.end());
        if (rows.wanted == SequenceRows::Wanted::kArgMax) {
          const std::optional<Sample> best = plain::SampleToken(row, {}, Penalties({}, {}), 0);
          result.best.push_back(best ? best->id : kNoBest);
        }
      }
    }
    if (!logits.empty()) result.logits = Tensor(logits.begin(), mx::Shape{int(logits.size() / words), int(words)});
    return result;
  };
  std::vector<Answer> answers(asked.size());
  const RunHooks hooks{[&](StepHarvest harvest) {
                         for (const SampledToken& t : harvest.tokens) Add(answers[size_t(t.sequence)], t.sample);
                         for (const FailedSequence& f : harvest.failures) answers[size_t(f.sequence)].failed = true;
                       },
                       [] { return false; }, [] {}};
  std::vector<int32_t> last;
  DraftGate gate;
  BatchRun(batch, int(words), last, kLongestDraft, gate, threads).Run(step, hooks);
  return answers;
}

}  // namespace

TEST("answers are the same alone, in any batch, with any number of threads, and as if sampled one after the other") {
  std::map<int, std::unique_ptr<kernels::ThreadPool>> pools;
  for (const int threads : {1, 2, 5}) pools[threads] = std::make_unique<kernels::ThreadPool>(threads);
  Distributions random(3);
  int failed = 0, guessing = 0;
  for (int round = 0; round < 150; ++round) {
    const size_t words = size_t(2 + random.Below(round % 30 == 0 ? 5000 : 200));
    std::vector<Asked> asked;
    for (int i = 0, count = 1 + random.Below(9); i < count; ++i) {
      const int32_t token = random.Below(int(words));
      asked.push_back(
          {uint64_t(random.Below(1 << 30)), token, i * 100 + random.Below(50), words, random.Params(words)});
      if (random.Below(3) == 0) asked.back().params.stop_ids = {random.Below(int(words))};
      // Guesses of what has been there before change nothing but the number of steps.
      if (random.Below(2) == 0) asked.back().params.lookup_ids = {1, 0, token, 1, 0, token, 1, 0, token};
      guessing += !asked.back().params.lookup_ids.empty();
    }
    std::vector<Answer> expected;
    for (const Asked& one : asked) expected.push_back(OneAfterTheOther(one));
    for (const Answer& answer : expected) failed += answer.failed;
    for (const auto& [threads, pool] : pools) CHECK(InOneBatch(asked, *pool) == expected);
    CHECK(InOneBatch({asked.back()}, *pools.at(2)).front() == expected.back());
  }
  CHECK(failed > 10 && guessing > 100);
}
