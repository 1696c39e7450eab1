// The engine over a tiny model, against formulas read plainly (TinyModel::Logits): steps in any cut and any mix.
#include "core/engine.h"

#include <algorithm>
#include <cstdlib>
#include <future>
#include <numeric>
#include <optional>
#include <random>

#include "check.h"
#include "core/error.h"
#include "device.h"
#include "tiny_model.h"

using namespace resident;

namespace {

const LoadHooks kNoHooks{[](uint64_t, uint64_t) {}, [] { return false; }};

/** An environment variable as long as it lives. */
class ScopedVariable {
 public:
  ScopedVariable(const char* name, const char* value) : name_(name) {
    if (const char* before = std::getenv(name)) before_ = before;
    ::setenv(name, value, 1);
  }
  ~ScopedVariable() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

/** A loaded tiny model with a pool of 24 blocks of 8 tokens, whose K and V are as exact as everything else. */
struct Fixture {
  explicit Fixture(const std::string& family = "llama", const std::string& extra_config = "", int window_blocks = 0)
      : tiny(family, extra_config) {
    tiny.Write(folder.path());
    model = engine.LoadModel(folder.path(), {.device = TestChoice(), .kv_dtype = DataType::kF32}, kNoHooks);
    pool = engine.CreatePool(model, 24, 8, window_blocks);
  }

  const ModelInfo& info() const { return engine.Info(model); }

  TinyModel tiny;
  TemporaryFolder folder;
  Engine engine;
  Handle model, pool;
};

struct Part {
  std::vector<int32_t> tokens;
  int start;
  std::vector<int32_t> table;
  bool want = true;
  SamplingParams sampling{};
  std::vector<int32_t> window_table{};  // where the pool has blocks of their own for layers with a window
};

StepBatch MakeBatch(const std::vector<Part>& parts, int steps = 1) {
  StepBatch batch;
  for (const Part& part : parts) {
    batch.tokens.insert(batch.tokens.end(), part.tokens.begin(), part.tokens.end());
    batch.tables.insert(batch.tables.end(), part.table.begin(), part.table.end());
    batch.token_counts.push_back(int32_t(part.tokens.size()));
    batch.starts.push_back(part.start);
    batch.table_lengths.push_back(int32_t(part.table.size()));
    if (!part.window_table.empty()) {
      batch.tables.insert(batch.tables.end(), part.window_table.begin(), part.window_table.end());
      batch.table_lengths.push_back(int32_t(part.window_table.size()));
    }
    batch.want_token.push_back(part.want);
    batch.sampling.push_back(part.sampling);
  }
  batch.steps = steps;
  return batch;
}

struct Ran {
  std::vector<std::vector<int32_t>> ids;  // by sequence
  RunStats stats;
  std::vector<FailedSequence> failures{};
};

Ran Run(Engine& engine, Handle pool, const std::vector<Part>& parts, int steps = 1) {
  Ran ran{std::vector<std::vector<int32_t>>(parts.size()), {}, {}};
  const RunHooks hooks{[&](StepHarvest harvest) {
                         for (const SampledToken& t : harvest.tokens)
                           ran.ids[size_t(t.sequence)].push_back(t.sample.id);
                         for (FailedSequence& f : harvest.failures) ran.failures.push_back(std::move(f));
                       },
                       [] { return false; }, [] {}};
  ran.stats = engine.Run(pool, MakeBatch(parts, steps), hooks);
  CHECK_EQUAL(ran.stats.moved_slabs, 0);
  return ran;
}

std::vector<int32_t> RandomTokens(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t& token : tokens) token = int32_t(random() % 50);
  return tokens;
}

void CheckLogits(const Fixture& f, const std::vector<float>& ours, const std::vector<double>& reference) {
  CHECK_EQUAL(ours.size(), reference.size());
  for (size_t i = 0; i < ours.size(); ++i) CHECK_NEAR(ours[i], reference[i], LogitTolerance(f.info()));
}

void CheckFamilyOn(const char* ops, const std::string& family, const std::string& extra_config) {
  const ScopedVariable chosen("RESIDENT_OPS", ops);
  const std::vector<int32_t> tokens = RandomTokens(21, 1);
  Fixture f(family, extra_config);
  const std::vector<double> expected = f.tiny.Logits(tokens);
  CheckLogits(f, f.engine.Logits(f.pool, tokens, 0, {5, 6, 7}), expected);
  for (const auto& table : {std::vector<int32_t>{1, 2, 3}, std::vector<int32_t>{12, 8, 10}}) {
    Run(f.engine, f.pool, {{{tokens.begin(), tokens.begin() + 11}, 0, table, false}});
    Run(f.engine, f.pool, {{{tokens.begin() + 11, tokens.begin() + 17}, 11, table, false}});
    Run(f.engine, f.pool, {{{tokens[17]}, 17, table, false}});
    CheckLogits(f, f.engine.Logits(f.pool, {tokens.begin() + 18, tokens.end()}, 18, table), expected);
  }
}

/** Both back ends, with the prompt as one chunk, and in several over a table that is one run and one that is not. */
void CheckFamily(const std::string& family, const std::string& extra_config) {
  for (const char* ops : {"cpu", "mlx"}) {
    // MLX's streams end with an engine's thread.
    std::async(std::launch::async, [&] { CheckFamilyOn(ops, family, extra_config); }).get();
  }
}

void CheckWindowBlocks(const char* ops) {
  const ScopedVariable chosen("RESIDENT_OPS", ops);
  Fixture f("gemma3_text", R"(,"sliding_window":9,"sliding_window_pattern":3)", 6);
  const std::vector<int32_t> tokens = RandomTokens(42, 12);
  const auto part = [&](int from, int end, const std::vector<int32_t>& window_table) {
    return Part{{tokens.begin() + from, tokens.begin() + end}, from, {4, 9, 2, 17, 11, 3}, false, {}, window_table};
  };
  // Three blocks of 8 hold every window of 9: what left it is not in the table, and its block is used again.
  Run(f.engine, f.pool, {part(0, 13, {26, 24})});
  Run(f.engine, f.pool, {part(13, 22, {26, 24, 27})});
  Run(f.engine, f.pool, {part(22, 26, {kNoBlock, 24, 27, 26})});
  Run(f.engine, f.pool, {part(26, 34, {kNoBlock, kNoBlock, 27, 26, 28}), Part{{5, 6, 7}, 0, {20}, false, {}, {29}}});
  Run(f.engine, f.pool, {part(34, 41, {kNoBlock, kNoBlock, kNoBlock, 26, 28, 25})});
  // The window's blocks move apart from the others.
  f.engine.CopyBlock(f.pool, 28, 24, 8);
  f.engine.CopyBlockIn(f.pool, 27, 2, f.engine.CopyBlockOut(f.pool, 25, 2));
  std::vector<int32_t> tables{4, 9, 2, 17, 11, 3, kNoBlock, kNoBlock, kNoBlock, kNoBlock, 24, 27};
  CheckLogits(f, f.engine.Logits(f.pool, {tokens[41]}, 41, tables, {6, 6}), f.tiny.Logits(tokens));
  const std::vector<int32_t> inside{kNoBlock, kNoBlock, kNoBlock, kNoBlock, kNoBlock, 25};
  CHECK_THROWS("INVALID_REQUEST", Run(f.engine, f.pool, {part(41, 42, inside)}));
  CHECK_THROWS("INVALID_REQUEST", Run(f.engine, f.pool, {part(0, 5, {3})}));  // a block of the other layers
  CHECK_THROWS("INVALID_REQUEST", Run(f.engine, f.pool, {part(0, 5, {30})}));
  CHECK_THROWS("INVALID_REQUEST", Run(f.engine, f.pool, {part(0, 5, {})}));
  CHECK_THROWS("INVALID_REQUEST", f.engine.CopyBlock(f.pool, 3, 25, 8));
}

/** What an engine would count of an answer that goes on with these ids. */
void Count(AnswerTokens& answer, const std::vector<int32_t>& ids) {
  for (const int32_t id : ids) {
    answer.recent_ids.push_back(id);
    if (answer.recent_ids.size() > size_t(kRepetitionWindowTokens)) answer.recent_ids.erase(answer.recent_ids.begin());
    const auto found = std::find(answer.ids.begin(), answer.ids.end(), id);
    if (found == answer.ids.end()) {
      answer.ids.push_back(id);
      answer.counts.push_back(1);
    } else {
      ++answer.counts[size_t(found - answer.ids.begin())];
    }
  }
}

SamplingParams Sampled(uint64_t seed) {
  SamplingParams params;
  params.temperature = 0.9;
  params.top_p = 0.95;
  params.penalties = {.repetition = 1.1, .presence = 0.1, .frequency = 0.2};
  params.seed = seed;
  return params;
}

/** Ids by sequence, then each failure as its sequence and step. */
std::vector<std::vector<int32_t>> Told(const Ran& ran) {
  std::vector<std::vector<int32_t>> told = ran.ids;
  for (const FailedSequence& failure : ran.failures) {
    CHECK_EQUAL(std::string(ErrorCodeName(failure.error.code())), std::string("NATIVE_FAILURE"));
    told.push_back({failure.sequence, failure.step});
  }
  return told;
}

/** A sequence that reads id 49 computes NaN from there on. */
void CheckNoFiniteLogits(const char* ops) {
  const ScopedVariable chosen("RESIDENT_OPS", ops);
  TinyModel tiny("llama", R"(,"tie_word_embeddings":false)");
  std::vector<float>& embedding = tiny.weights.at("model.embed_tokens.weight");
  std::fill_n(embedding.end() - 32, 32, std::nanf(""));
  const TemporaryFolder folder;
  tiny.Write(folder.path());
  Engine engine;
  const Handle model = engine.LoadModel(folder.path(), {.device = TestChoice(), .kv_dtype = DataType::kF32}, kNoHooks);
  const Handle pool = engine.CreatePool(model, 24, 8);
  std::vector<int32_t> a = RandomTokens(6, 7), c = RandomTokens(9, 8);
  for (std::vector<int32_t>* tokens : {&a, &c}) std::ranges::replace(*tokens, 49, 48);
  SamplingParams warm;
  warm.temperature = 0.8;
  warm.bias_ids = {49};  // nobody else ends by chance
  warm.bias_values = {-1000};
  const std::vector<Part> good{{a, 0, {0, 1}, true, warm}, {c, 0, {4, 5, 6}, true, warm}};
  const Ran alone = Run(engine, pool, good, 8);
  CHECK(alone.failures.empty());
  // One that fails at once by its arg max, one by its logits, and one that is made to sample the id.
  SamplingParams forced;
  forced.bias_ids = {49};
  forced.bias_values = {1000};
  const std::vector<Part> bad{{{3, 49, 5}, 0, {10, 11}, true, {}},
                              {{49}, 0, {12, 13}, true, Sampled(3)},
                              {{1, 2, 3}, 0, {14, 15}, true, forced}};
  const Ran ran = Run(engine, pool, {bad[0], good[0], bad[1], good[1], bad[2]}, 8);
  const std::vector<std::vector<int32_t>> expected{{}, alone.ids[0], {}, alone.ids[1], {49}, {0, 0}, {2, 0}, {4, 1}};
  const std::vector<std::vector<int32_t>> told = Told(ran);
  CHECK_EQUAL(told.size(), expected.size());
  for (size_t i = 0; i < told.size(); ++i) {
    if (i == 1 || i == 3) {
      CheckSameIds(engine.Info(model), told[i], expected[i]);
    } else {
      CHECK_EQUAL(told[i], expected[i]);
    }
  }
  CHECK(engine.ContentsOf(pool) == Contents::kIntact);
  CHECK_EQUAL(Run(engine, pool, good, 8).ids, alone.ids);
}

}  // namespace

TEST("llama's logits equal the plain formulas") { CheckFamily("llama", ""); }

TEST("llama with biases and a head of its own equals the plain formulas") {
  CheckFamily("llama", R"(,"tie_word_embeddings":false,"attention_bias":true,"mlp_bias":true)");
}

TEST("mistral with linear rope scaling equals the plain formulas") {
  CheckFamily("mistral", R"(,"rope_scaling":{"type":"linear","factor":2})");
}

TEST("qwen2 with yarn equals the plain formulas") {
  CheckFamily("qwen2", R"(,"rope_scaling":{"type":"yarn","factor":4,"original_max_position_embeddings":32})");
}

TEST("qwen3 with llama3's rope scaling equals the plain formulas") {
  CheckFamily("qwen3", R"(,"rope_scaling":{"rope_type":"llama3","factor":8,"original_max_position_embeddings":32})");
}

TEST("gemma 3's windows, norms, activation and scales equal the plain formulas") {
  for (const char* window : {"1", "4", "9", "100"}) {
    CheckFamily("gemma3_text",
                R"(,"query_pre_attn_scalar":12,"sliding_window_pattern":3,"sliding_window":)" + std::string(window));
  }
  CheckFamily("gemma3_text", R"(,"sliding_window":5,"rope_scaling":{"rope_type":"linear","factor":8},"layer_types":)"
                             R"(["full_attention","sliding_attention","sliding_attention"])");
}

TEST("windows of some layers, in families that usually have none, equal the plain formulas") {
  CheckFamily("llama", R"(,"sliding_window":5,"rope_scaling":{"type":"linear","factor":2},"layer_types":)"
                       R"(["full_attention","sliding_attention","sliding_attention"])");
}

TEST("ministral 3, whose queries grow with the position, equals the plain formulas") {
  CheckFamily("ministral3", R"(,"rope_parameters":{"type":"yarn","factor":4,"original_max_position_embeddings":6,)"
                            R"("llama_4_scaling_beta":0.3,"rope_theta":5000})");
}

TEST("smollm3, without rope in some layers, equals the plain formulas") {
  CheckFamily("smollm3", R"(,"no_rope_layers":[1,0,1])");
  CheckFamily("smollm3", R"(,"no_rope_layer_interval":2)");
}

TEST("phi3 with fused matrices, partial and long rope equals the plain formulas") {
  CheckFamily("phi3", "");
  CheckFamily("phi3", R"(,"partial_rotary_factor":0.75,"original_max_position_embeddings":64,"rope_scaling":)"
                      R"({"type":"longrope","short_factor":[1,1,1],"long_factor":[1.5,2,4]})");
}

TEST("granite's multipliers equal the plain formulas") {
  CheckFamily("granite", R"(,"embedding_multiplier":3,"attention_multiplier":0.2,"residual_multiplier":0.4,)"
                         R"("logits_scaling":1.5,"tie_word_embeddings":false)");
}

TEST("olmo's norms behind its layers and over all heads equal the plain formulas") {
  CheckFamily("olmo2", "");
  CheckFamily("olmo3", R"(,"sliding_window":5,"rope_scaling":{"type":"linear","factor":4},"layer_types":)"
                       R"(["full_attention","sliding_attention","sliding_attention"])");
}

TEST("seed_oss's biases equal the plain formulas") {
  CheckFamily("seed_oss", R"(,"attention_bias":true,"attention_out_bias":false,"mlp_bias":true)");
}

TEST("proportional rope and one of pairs of neighbours that is partial equal the plain formulas") {
  CheckFamily("qwen3", R"(,"rope_scaling":{"type":"proportional","partial_rotary_factor":0.5,"factor":2})");
  CheckFamily("qwen2", R"(,"partial_rotary_factor":0.25)");
}

TEST("layers with a window keep its blocks only, and give the logits of the whole context") {
  for (const char* ops : {"cpu", "mlx"}) std::async(std::launch::async, [&] { CheckWindowBlocks(ops); }).get();
}

TEST("a prompt in chunks, in a scattered table, gives the logits of the whole prompt") {
  Fixture f;
  const std::vector<int32_t> tokens = RandomTokens(30, 2), table{9, 2, 17, 4};
  int at = 0;
  for (int count = 1; count <= 7; at += count++) {
    Run(f.engine, f.pool, {{{tokens.begin() + at, tokens.begin() + at + count}, at, table, false}});
  }
  CheckLogits(f, f.engine.Logits(f.pool, {tokens.begin() + at, tokens.end()}, at, table), f.tiny.Logits(tokens));
}

TEST("a view and a gather of the same context agree") {
  Fixture f;
  const std::vector<int32_t> tokens = RandomTokens(20, 3);
  const std::vector<float> view = f.engine.Logits(f.pool, tokens, 0, {3, 4, 5});
  const std::vector<float> gathered = f.engine.Logits(f.pool, tokens, 0, {12, 8, 10});
  for (size_t i = 0; i < view.size(); ++i)
    CHECK_NEAR(view[i], gathered[i], f.info().is_gpu ? 2 * LogitTolerance(f.info()) : 1e-5);
}

TEST("prompts and decode rows together give each sequence what it gets alone") {
  Fixture f;
  const std::vector<int32_t> a = RandomTokens(5, 4), b = RandomTokens(19, 5), c = RandomTokens(11, 6);
  Ran first = Run(f.engine, f.pool, {{a, 0, {0, 1}}, {{b.begin(), b.begin() + 9}, 0, {20, 3, 11}, false}});
  CHECK_EQUAL(first.stats.view_sequences, 1);
  CHECK_EQUAL(first.stats.gathered_sequences, 1);
  Ran second = Run(f.engine, f.pool,
                   {{{first.ids[0][0]}, 5, {0, 1}}, {{b.begin() + 9, b.end()}, 9, {20, 3, 11}}, {c, 0, {6, 7}}});
  CheckBest(f.info(), first.ids[0][0], f.tiny.Logits(a));
  std::vector<int> longer(a);
  longer.push_back(first.ids[0][0]);
  CheckBest(f.info(), second.ids[0][0], f.tiny.Logits(longer));
  CheckBest(f.info(), second.ids[1][0], f.tiny.Logits(b));
  CheckBest(f.info(), second.ids[2][0], f.tiny.Logits(c));
}

TEST("a run of k steps gives the tokens of k runs of one step, greedy and sampled") {
  Fixture f;
  const std::vector<int32_t> a = RandomTokens(6, 7), b = RandomTokens(9, 8);
  SamplingParams sampled = Sampled(99);
  const Ran together = Run(f.engine, f.pool, {{a, 0, {0, 1, 2}}, {b, 0, {3, 4, 5}, true, sampled}}, 10);
  std::vector<int32_t> next_a = a, next_b = b, ids_a, ids_b;
  for (int step = 0; step < 10; ++step) {
    const int start_a = step == 0 ? 0 : 5 + step, start_b = step == 0 ? 0 : 8 + step;
    // The second time round, "what was sampled last" stands for the token.
    const Ran one =
        Run(f.engine, f.pool, {{next_a, start_a, {6, 7, 8}}, {next_b, start_b, {9, 10, 11}, true, sampled}});
    ids_a.push_back(one.ids[0][0]);
    ids_b.push_back(one.ids[1][0]);
    Count(sampled.answer, {ids_b.back()});
    next_a = {kLastSampled};
    next_b = {ids_b.back()};
  }
  CheckSameIds(f.info(), together.ids[0], ids_a);
  CheckSameIds(f.info(), together.ids[1], ids_b);
}

TEST("guesses change no token, greedy or sampled, with penalties, at stops and at the end of a run") {
  Fixture f;
  // Answers of random weights repeat themselves soon: there is something to guess.
  const std::vector<int32_t> a = RandomTokens(6, 7);
  SamplingParams sampled = Sampled(5);
  sampled.temperature = 0.05;
  int accepted = 0;
  for (SamplingParams params : {SamplingParams{}, sampled}) {
    const Ran plain = Run(f.engine, f.pool, {{a, 0, {0, 1, 2, 3, 4, 5, 6}, true, params}}, 48);
    std::vector<int32_t> ids = a;
    const std::vector<int32_t>& expected = plain.ids[0];
    SamplingParams guessing = params;
    std::vector<int32_t> got = Run(f.engine, f.pool, {{a, 0, {8, 9, 10, 11, 12, 13, 14}, true, params}}).ids[0];
    for (const int tokens : {3, 20, 24}) {
      ids = a;
      ids.insert(ids.end(), got.begin(), got.end());
      guessing.lookup_ids = ids;
      guessing.answer = {};
      Count(guessing.answer, got);
      const Part part{{got.back()}, int(ids.size()) - 1, {8, 9, 10, 11, 12, 13, 14}, true, guessing};
      const Ran ran = Run(f.engine, f.pool, {part}, tokens);
      CHECK_EQUAL(ran.ids[0].size(), size_t(tokens));
      accepted += ran.stats.accepted_tokens;
      got.insert(got.end(), ran.ids[0].begin(), ran.ids[0].end());
    }
    CheckSameIds(f.info(), got, expected);
    if (!HasSameIds(f.info())) continue;  // then the stop need not come
    // A stop that a guess reaches ends the answer there.
    guessing.lookup_ids = a;
    guessing.lookup_ids.push_back(expected[0]);
    guessing.answer = {};
    Count(guessing.answer, {expected[0]});
    guessing.stop_ids = {expected[30]};
    const auto stop = std::find(expected.begin() + 1, expected.end(), expected[30]);
    const Part part{{expected[0]}, 6, {8, 9, 10, 11, 12, 13, 14}, true, guessing};
    CHECK_EQUAL(Run(f.engine, f.pool, {part}, 47).ids[0], std::vector<int32_t>(expected.begin() + 1, stop + 1));
  }
  CHECK(accepted > 0);
}

TEST("a stop id ends its sequence inside a run and not the others") {
  Fixture f;
  const std::vector<int32_t> a = RandomTokens(6, 7), b = RandomTokens(9, 8);
  const Ran free = Run(f.engine, f.pool, {{a, 0, {0, 1, 2}}, {b, 0, {3, 4, 5}}}, 8);
  SamplingParams stops;
  stops.stop_ids = {free.ids[0][0]};
  const Ran stopped = Run(f.engine, f.pool, {{a, 0, {0, 1, 2}, true, stops}, {b, 0, {3, 4, 5}}}, 8);
  CHECK_EQUAL(stopped.ids[0].size(), size_t(1));
  CheckSameIds(f.info(), stopped.ids[1], free.ids[1]);
}

TEST("cancelling ends a run after the step under way, and what it wrote can be used") {
  Fixture f;
  const std::vector<int32_t> a = RandomTokens(6, 7);
  const Ran whole = Run(f.engine, f.pool, {{a, 0, {0, 1, 2}}}, 8);
  std::vector<int32_t> ids;
  const RunHooks hooks{[&](StepHarvest harvest) { ids.push_back(harvest.tokens.front().sample.id); },
                       [&] { return ids.size() == 3; }, [] {}};
  f.engine.Run(f.pool, MakeBatch({{a, 0, {3, 4, 5}}}, 8), hooks);
  CHECK_EQUAL(ids.size(), size_t(3));
  const Ran rest = Run(f.engine, f.pool, {{{ids.back()}, 8, {3, 4, 5}}}, 5);
  ids.insert(ids.end(), rest.ids[0].begin(), rest.ids[0].end());
  CheckSameIds(f.info(), ids, whole.ids[0]);
}

TEST("a copied block continues as the original does, and writing it leaves the original alone") {
  Fixture f;
  const std::vector<int32_t> a = RandomTokens(13, 9);
  Run(f.engine, f.pool, {{a, 0, {0, 1}, false}});
  f.engine.CopyBlock(f.pool, 1, 7, 5);
  const Ran forked = Run(f.engine, f.pool, {{{30}, 13, {0, 7}}});
  const Ran original = Run(f.engine, f.pool, {{{31}, 13, {0, 1}}});
  std::vector<int> tokens(a);
  tokens.push_back(30);
  CheckBest(f.info(), forked.ids[0][0], f.tiny.Logits(tokens));
  tokens.back() = 31;
  CheckBest(f.info(), original.ids[0][0], f.tiny.Logits(tokens));
}

TEST("a block's bytes taken out and put into another block stand for the same tokens") {
  Fixture f;
  const std::vector<int32_t> a = RandomTokens(8, 10);
  Run(f.engine, f.pool, {{a, 0, {2}, false}});
  f.engine.CopyBlockIn(f.pool, 14, 8, f.engine.CopyBlockOut(f.pool, 2, 8));
  CheckLogits(f, f.engine.Logits(f.pool, {17}, 8, {14, 3}), [&] {
    std::vector<int> tokens(a);
    tokens.push_back(17);
    return f.tiny.Logits(tokens);
  }());
}

TEST("K and V are halves with the kernels and what is computed with stock operations, unless something is asked for") {
  const TinyModel tiny("llama");
  const TemporaryFolder folder;
  tiny.Write(folder.path());
  const std::vector<int32_t> tokens = RandomTokens(21, 7);
  const std::vector<double> exact = tiny.Logits(tokens);
  const auto check = [&](const char* ops, DataType expected, double tolerance) {
    const ScopedVariable chosen("RESIDENT_OPS", ops);
    Engine engine;
    const Handle model = engine.LoadModel(folder.path(), {DeviceChoice::kCpu}, kNoHooks);
    const ModelInfo& info = engine.Info(model);
    CHECK(info.kv_dtype == expected);
    const std::vector<float> ours = engine.Logits(engine.CreatePool(model, 4, 8), tokens, 0, {3, 0, 2});
    for (size_t i = 0; i < ours.size(); ++i) CHECK_NEAR(ours[i], exact[i], tolerance);
  };
  check("cpu", DataType::kF16, 1e-2);
  check("mlx", DataType::kF32, 2e-4);
}

TEST("slots that hold NaN are not read by any step") {
  Fixture f;
  std::vector<std::byte> noise(f.engine.Shape(f.pool).GroupOf(0).geometry.BlockBytes(8), std::byte{0xff});
  for (int block = 0; block < 24; ++block) f.engine.CopyBlockIn(f.pool, block, 8, noise);
  const std::vector<int32_t> tokens = RandomTokens(11, 11);
  CheckLogits(f, f.engine.Logits(f.pool, tokens, 0, {3, 4}), f.tiny.Logits(tokens));
  CheckLogits(f, f.engine.Logits(f.pool, tokens, 0, {9, 6}), f.tiny.Logits(tokens));
}

TEST("bad batches are refused before anything runs, and the pool goes on") {
  Fixture f;
  const std::vector<int32_t> good = RandomTokens(5, 12);
  const auto refused = [&](std::vector<Part> parts, int steps = 1) {
    CHECK_THROWS("INVALID_REQUEST", Run(f.engine, f.pool, parts, steps));
  };
  refused({});
  refused({{{}, 0, {0}}});
  refused({{{50}, 0, {0}}});
  refused({{{-2}, 0, {0}}});
  refused({{{-1}, 0, {0}}});  // nothing was sampled before
  refused({{good, 0, {}}});
  refused({{good, 0, {24}}});
  refused({{good, 0, {-1}}});
  refused({{good, -1, {0}}});
  refused({{good, 4, {0}}});     // 9 tokens in a block of 8
  refused({{good, 0, {0}}}, 5);  // the run's last token has no slot
  refused({{good, 0, {0}}}, 0);
  refused({{good, 252, std::vector<int32_t>(33)}});  // beyond the context
  refused({{good, 4, {3, 3}}});                      // one block twice
  refused({{good, 0, {1}}, {good, 0, {1}}});         // two writers
  refused({{{1}, 8, {1, 2}}, {good, 0, {1}}});       // a reader of what another one writes
  SamplingParams params;
  params.top_p = -0.001;
  refused({{good, 0, {0}, true, params}});
  params = {};
  params.temperature = std::nan("");
  refused({{good, 0, {0}, true, params}});
  params = {};
  params.bias_ids = {50};
  params.bias_values = {1};
  refused({{good, 0, {0}, true, params}});
  params = {};
  params.lookup_ids = {50};
  refused({{good, 0, {0}, true, params}});
  CheckBest(f.info(), Run(f.engine, f.pool, {{good, 0, {0}}}).ids[0][0], f.tiny.Logits(good));
}

TEST("a refusal names the sequence that is to blame, and the others can run") {
  Fixture f;
  const std::vector<int32_t> good = RandomTokens(5, 12);
  const auto blamed = [&](Part bad, int expected) {
    const std::vector<Part> parts{{good, 0, {0}}, std::move(bad), {good, 0, {2}}};
    try {
      Run(f.engine, f.pool, parts);
    } catch (const Error& error) {
      CHECK_EQUAL(std::string(ErrorCodeName(error.code())), std::string("INVALID_REQUEST"));
      const auto named = std::ranges::find(error.facts(), std::string("sequence"), &Fact::name);
      CHECK(named != error.facts().end());
      CHECK_EQUAL(std::get<double>(named->value), double(expected));
      CHECK(f.engine.ContentsOf(f.pool) == Contents::kIntact);
      return;
    }
    CHECK(false);
  };
  blamed({{}, 0, {1}}, 1);
  blamed({{50}, 0, {1}}, 1);
  blamed({{-1}, 0, {1}}, 1);
  blamed({good, 0, {}}, 1);
  blamed({good, 0, {24}}, 1);
  blamed({good, -1, {1}}, 1);
  blamed({good, 4, {1}}, 1);
  blamed({good, 252, std::vector<int32_t>(33)}, 1);
  blamed({good, 0, {0}}, 1);    // writes the block of the first
  blamed({{1}, 8, {2, 1}}, 2);  // the last one writes what was read before
  const auto with = [&](auto change) {
    Part part{good, 0, {1}};
    change(part.sampling);
    return part;
  };
  blamed(with([](SamplingParams& p) { p.temperature = std::nan(""); }), 1);
  blamed(with([](SamplingParams& p) { p.top_k = int64_t(1) << 31; }), 1);
  blamed(with([](SamplingParams& p) { p.penalties.repetition = 1e-300; }), 1);
  blamed(with([](SamplingParams& p) { p.bias_ids = {1}, p.bias_values = {std::numeric_limits<float>::infinity()}; }),
         1);
  blamed(with([](SamplingParams& p) { p.answer.recent_ids = std::vector<int32_t>(65); }), 1);
  blamed(with([](SamplingParams& p) { p.answer.ids = {1}; }), 1);
  blamed(with([](SamplingParams& p) { p.answer.ids = {1}, p.answer.counts = {0}; }), 1);
  blamed(with([](SamplingParams& p) { p.lookup_ids = {50}; }), 1);
  CheckBest(f.info(), Run(f.engine, f.pool, {{good, 0, {0}}, {good, 0, {2}}}).ids[0][0], f.tiny.Logits(good));
}

TEST("a sequence without finite logits ends alone, and the others get what they get without it") {
  for (const char* ops : {"cpu", "mlx"}) std::async(std::launch::async, [&] { CheckNoFiniteLogits(ops); }).get();
}

TEST("sequences may share blocks that neither of them writes") {
  Fixture f;
  const std::vector<int32_t> shared = RandomTokens(8, 13);
  Run(f.engine, f.pool, {{shared, 0, {0}, false}});
  const Ran both = Run(f.engine, f.pool, {{{1}, 8, {0, 1}}, {{2}, 8, {0, 2}}});
  std::vector<int> tokens(shared);
  tokens.push_back(1);
  CheckBest(f.info(), both.ids[0][0], f.tiny.Logits(tokens));
  tokens.back() = 2;
  CheckBest(f.info(), both.ids[1][0], f.tiny.Logits(tokens));
}

TEST("what was disposed is refused, and a new one works") {
  Fixture f;
  CHECK_THROWS("INVALID_REQUEST", f.engine.CreatePool(f.model, 4, 4));
  CHECK_THROWS("INVALID_REQUEST", f.engine.LoadModel(f.folder.path(), {TestChoice()}, kNoHooks));
  f.engine.DropPool(f.pool);
  CHECK_THROWS("INVALID_REQUEST", f.engine.CopyBlock(f.pool, 0, 1, 1));
  const Handle pool = f.engine.CreatePool(f.model, 4, 4);
  Run(f.engine, pool, {{{1, 2, 3}, 0, {0}}});
  f.engine.UnloadModel(f.model);
  f.engine.UnloadModel(f.model);
  CHECK_THROWS("INVALID_REQUEST", f.engine.Info(f.model));
  const Handle model = f.engine.LoadModel(f.folder.path(), {TestChoice()}, kNoHooks);
  Run(f.engine, f.engine.CreatePool(model, 4, 4), {{{1, 2, 3}, 0, {0}}});
}

TEST("a pool larger than memory is refused with what is needed and what there is") {
  Fixture f;
  f.engine.DropPool(f.pool);
  CHECK_THROWS("INVALID_REQUEST", f.engine.CreatePool(f.model, 0, 8));
  CHECK_THROWS("INVALID_REQUEST", f.engine.CreatePool(f.model, int64_t(1) << 60, 8));
  CHECK_THROWS("OUT_OF_MEMORY", f.engine.CreatePool(f.model, int64_t(1) << 40, 8));
  try {
    f.engine.CreatePool(f.model, 4'000'000, 32);  // 49 GB … 128 M tokens of 384 bytes
    CHECK(false);
  } catch (const Error& error) {
    CHECK_EQUAL(std::string(ErrorCodeName(error.code())), std::string("OUT_OF_MEMORY"));
    CHECK_EQUAL(error.facts().size(), size_t(4));
    CHECK(std::get<double>(error.facts()[0].value) > std::get<double>(error.facts()[1].value));
    CHECK_EQUAL(std::get<std::string>(error.facts()[3].value), std::string("memory"));
  }
  f.engine.CreatePool(f.model, 24, 8);
}

TEST("a cancelled load frees what it read") {
  Fixture f;
  f.engine.UnloadModel(f.model);
  int looks = 0;
  CHECK_THROWS("ABORTED", f.engine.LoadModel(f.folder.path(), {TestChoice()},
                                             {[](uint64_t, uint64_t) {}, [&] { return ++looks == 5; }}));
  f.engine.LoadModel(f.folder.path(), {TestChoice()}, kNoHooks);
}

TEST("a bare pool keeps bytes of any geometry while a model is loaded, and runs nothing") {
  Fixture f;
  const PoolGeometry geometry{
      .blocks = 4, .block_tokens = 16, .num_layers = 3, .kv_heads = 2, .head_dim = 8, .dtype = DataType::kF16};
  const Handle bare = f.engine.CreateBarePool(geometry), other = f.engine.CreateBarePool(geometry);
  std::vector<std::byte> data(geometry.BlockBytes(5));
  for (size_t i = 0; i < data.size(); ++i) data[i] = std::byte(i % 251);
  f.engine.CopyBlockIn(bare, 1, 5, data);
  f.engine.CopyBlock(bare, 1, 3, 5);
  CHECK(f.engine.CopyBlockOut(bare, 3, 5) == data);
  CHECK_THROWS("INVALID_REQUEST", f.engine.CopyBlock(bare, 1, 4, 5));
  CHECK_THROWS("INVALID_REQUEST", Run(f.engine, bare, {{{1, 2, 3}, 0, {0}}}));
  CHECK_THROWS("INVALID_REQUEST", f.engine.Logits(bare, {1}, 0, {0}));
  Run(f.engine, f.pool, {{{1, 2, 3}, 0, {0}}});
  f.engine.UnloadModel(f.model);
  CHECK(f.engine.CopyBlockOut(bare, 3, 5) == data);
  f.engine.DropPool(bare);
  f.engine.DropPool(bare);
  CHECK_THROWS("INVALID_REQUEST", f.engine.CopyBlockOut(bare, 3, 5));
  CHECK_EQUAL(f.engine.Shape(other).blocks(), 4);
}

TEST("a bare pool of sizes that no pool can have is refused") {
  Engine engine;
  const PoolGeometry good{.blocks = 1, .block_tokens = 1, .num_layers = 1, .kv_heads = 1, .head_dim = 1};
  const auto refused = [&](const char* code, auto change) {
    PoolGeometry geometry = good;
    change(geometry);
    CHECK_THROWS(code, engine.CreateBarePool(geometry));
  };
  refused("INVALID_REQUEST", [](PoolGeometry& g) { g.blocks = 0; });
  refused("INVALID_REQUEST", [](PoolGeometry& g) { g.block_tokens = -1; });
  refused("INVALID_REQUEST", [](PoolGeometry& g) { g.num_layers = 0; });
  refused("INVALID_REQUEST", [](PoolGeometry& g) { g.head_dim = 1 << 30; });
  refused("OUT_OF_MEMORY", [](PoolGeometry& g) {
    g = {.blocks = 1 << 30, .block_tokens = 1 << 10, .num_layers = 4096, .kv_heads = 1, .head_dim = 1};
  });
}

namespace {

/** The tiny model with K and V in 8 bits. */
struct QuantisedFixture {
  explicit QuantisedFixture(bool with_kernels) : kernels(with_kernels) {
    tiny.Write(folder.path());
    ::setenv("RESIDENT_OPS", kernels ? "cpu" : "mlx", 1);
    model = engine.LoadModel(folder.path(), {.device = DeviceChoice::kCpu, .kv_dtype = DataType::kQ8}, kNoHooks);
    ::unsetenv("RESIDENT_OPS");
    pool = engine.CreatePool(model, 24, 8);
  }

  void CheckNearPlainFormulas() {
    CHECK_EQUAL(engine.Info(model).kv_layout_id, std::string(kernels ? "head-major-kt-q8-1" : "token-major-q8-1"));
    CHECK_EQUAL(engine.Shape(pool).GroupOf(0).geometry.BlockBytes(1), uint64_t(3 * 2 * 2 * (8 + 2)));
    CHECK_EQUAL(engine.Info(model).config.KvBytesPerToken(DataType::kQ8),
                engine.Shape(pool).GroupOf(0).geometry.BlockBytes(1));
    const std::vector<int32_t> tokens = RandomTokens(21, 1);
    const std::vector<float> ours = engine.Logits(pool, tokens, 0, {5, 6, 7});
    const std::vector<double> exact = tiny.Logits(tokens);
    for (size_t i = 0; i < ours.size(); ++i) CHECK_NEAR(ours[i], exact[i], 0.05);
  }

  /** In chunks, in scattered blocks, copied, taken out and put back: as the whole prompt in one step. */
  void CheckMovedAndChunked() {
    std::vector<std::byte> noise(engine.Shape(pool).GroupOf(0).geometry.BlockBytes(8), std::byte{0xff});
    for (int block = 0; block < 24; ++block) engine.CopyBlockIn(pool, block, 8, noise);
    const std::vector<int32_t> tokens = RandomTokens(30, 2), table{9, 2, 17, 4};
    const std::vector<int32_t> last(tokens.begin() + 29, tokens.end());
    const std::vector<float> whole = engine.Logits(pool, tokens, 0, {20, 21, 22, 23});
    int at = 0;
    for (int count = 1; at < 29; at += count++) {
      count = std::min(count, 29 - at);
      Run(engine, pool, {{{tokens.begin() + at, tokens.begin() + at + count}, at, table, false}});
    }
    const auto check = [&](const std::vector<int32_t>& blocks) {
      const std::vector<float> again = engine.Logits(pool, last, 29, blocks);
      for (size_t i = 0; i < again.size(); ++i) CHECK_NEAR(again[i], whole[i], kernels ? 0 : 1e-3);
    };
    check(table);
    // A fork in the middle of the last block, whose rest stays the other's; a block by way of its bytes.
    engine.CopyBlock(pool, 4, 13, 5);
    engine.CopyBlockIn(pool, 14, 8, engine.CopyBlockOut(pool, 2, 8));
    check({9, 14, 17, 13});
  }

  bool kernels;
  TinyModel tiny;
  TemporaryFolder folder;
  Engine engine;
  Handle model, pool;
};

}  // namespace

TEST("K and V in 8 bits, by the kernels: near the plain formulas, with a layout of their own") {
  QuantisedFixture(true).CheckNearPlainFormulas();
}

TEST("K and V in 8 bits, by MLX's operations: near the plain formulas, with a layout of their own") {
  QuantisedFixture(false).CheckNearPlainFormulas();
}

TEST("K and V in 8 bits, by the kernels: chunks, scattered blocks and copies have the same bits") {
  QuantisedFixture(true).CheckMovedAndChunked();
}

TEST("K and V in 8 bits, by MLX's operations: chunks, scattered blocks and copies mean the same") {
  QuantisedFixture(false).CheckMovedAndChunked();
}
