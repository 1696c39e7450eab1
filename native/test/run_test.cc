// What the steps of a run sample, against sampling one sequence after the other.
#include "core/run.h"

#include <algorithm>
#include <limits>
#include <map>

#include "check.h"
#include "distributions.h"
#include "plain_sampler.h"
#include "some_words.h"

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

/**
 * What the grammar allows, asked of a state that nobody else has. What it leaves no choice about is not sampled,
 * whatever its logit is: but for an end, and for the last token of a run.
 */
void MaskBy(const SamplingParams& params, const std::vector<int32_t>& sampled, std::vector<float>& logits) {
  if (!params.grammar) return;
  std::vector<int32_t> ids = params.grammar_ids;
  ids.insert(ids.end(), sampled.begin(), sampled.end());
  GrammarState state(*params.grammar);
  state.Sync(ids, params.stop_ids);
  for (size_t id = 0; id < logits.size(); ++id) {
    if (!state.Allows(int32_t(id))) logits[id] = -std::numeric_limits<float>::infinity();
  }
  const std::optional<int32_t> forced = state.forced();
  if (forced && !params.IsStop(*forced) && sampled.size() + 1 < size_t(kSteps)) logits[size_t(*forced)] = 0;
}

Answer OneAfterTheOther(const Asked& asked) {
  Answer answer;
  Penalties penalties(asked.params.penalties, asked.params.answer);
  int32_t token = asked.token;
  for (int i = 0; i < kSteps; ++i) {
    const int position = asked.start + i;
    std::vector<float> logits = LogitsAt(asked.seed, token, position, asked.words);
    MaskBy(asked.params, answer.ids, logits);
    const std::optional<Sample> sample = plain::SampleToken(logits, asked.params, penalties, position + 1);
    answer.failed = !sample;
    if (!sample) break;
    Add(answer, *sample);
    token = sample->id;
    penalties.Add(token);
    if (asked.params.IsStop(token)) break;
  }
  return answer;
}

std::vector<Answer> InOneBatch(const std::vector<Asked>& asked, kernels::ThreadPool& threads,
                               RunStats* stats = nullptr) {
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
      for (size_t i = rows.tokens.size() - size_t(rows.wanted_rows); i < rows.tokens.size(); ++i) {
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
  const RunStats ran = BatchRun(batch, int(words), last, kLongestDraft, gate, threads).Run(step, hooks);
  if (stats != nullptr) stats->forced_tokens += ran.forced_tokens;
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

TEST("an answer with a grammar is the same in any batch and with guesses, and its mates' bits are as without it") {
  const SomeWords words;
  const auto vocabulary = words.vocabulary();
  const std::vector<std::shared_ptr<const Grammar>> grammars{
      Grammar::Compile(vocabulary, GrammarKind::kJsonSchema,
                       R"({"type":"object","properties":{"a":{"type":"boolean"},"b":{"type":"integer"}}})"),
      Grammar::Compile(vocabulary, GrammarKind::kEbnf, R"(root ::= ("one" | "two" | "three") "-" root)"),
      Grammar::Compile(vocabulary, GrammarKind::kStructuralTag,
                       R"({"type":"structural_tag","format":{"type":"triggered_tags","triggers":["w"],"tags":)"
                       R"([{"begin":"win","content":{"type":"json_schema","json_schema":true},"end":"end"}]}})"),
  };
  kernels::ThreadPool alone(1), some(3);
  Distributions random(21);
  RunStats stats;
  int with_grammar = 0;
  for (int round = 0; round < 120; ++round) {
    std::vector<Asked> asked;
    for (int i = 0, count = 1 + random.Below(6); i < count; ++i) {
      const int32_t token = random.Below(words.size());
      const auto size = size_t(words.size());
      asked.push_back({uint64_t(random.Below(1 << 30)), token, i * 100 + random.Below(50), size, random.Params(size)});
      SamplingParams& params = asked.back().params;
      params.stop_ids = {SomeWords::kEnd};
      if (random.Below(2) == 0) params.lookup_ids = {'o', 'n', 'e', '-', 'o', 'n', 'e', '-', 'o', 'n', 'e', '-'};
      if (random.Below(3) == 0) continue;
      ++with_grammar;
      const int kind = random.Below(3);
      params.grammar = grammars[size_t(kind)];
      if (kind == 1 && random.Below(2) == 0) params.grammar_ids = words.Encode("two-one-");
      if (kind == 2 && random.Below(2) == 0) params.grammar_ids = words.Encode("so win");
    }
    std::vector<Answer> expected;
    for (const Asked& one : asked) expected.push_back(OneAfterTheOther(one));
    CHECK(InOneBatch(asked, alone, &stats) == expected);
    CHECK(InOneBatch(asked, some) == expected);
    CHECK(InOneBatch({asked.back()}, some).front() == expected.back());
  }
  CHECK(with_grammar > 200);
  CHECK(stats.forced_tokens > 50);
}

TEST("an answer that its grammar cannot go on with fails alone") {
  Words few;
  few.bytes = {'a', 'b'};
  few.ends = {1, 2};
  const auto grammar = Grammar::Compile(std::make_shared<const Vocabulary>(few, 4), GrammarKind::kEbnf,
                                        "root ::= \"a\" (\"b\" | \"a\") \"c\"");
  Asked stuck{.seed = 4, .token = 1, .start = 0, .words = 4, .params = {}},
      mate{.seed = 9, .token = 1, .start = 100, .words = 4, .params = {}};
  stuck.params.stop_ids = {3};
  stuck.params.grammar = grammar;
  kernels::ThreadPool threads(2);
  const std::vector<Answer> answers = InOneBatch({stuck, mate}, threads);
  CHECK(answers[0].failed && answers[0].ids.size() == 2 && answers[0].ids[0] == 0);
  CHECK(answers[1] == OneAfterTheOther(mate));
}
