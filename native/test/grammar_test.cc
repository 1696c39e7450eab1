// Grammars: what they allow, against the library asked word by word; states, against fresh ones; texts of all kinds.
#include "core/grammar.h"

#include <algorithm>
#include <cmath>
#include <random>

#include "check.h"
#include "core/grammar_state.h"
#include "core/json.h"
#include "some_words.h"

using namespace resident;

namespace {

const std::vector<int32_t> kStops{SomeWords::kEnd};

const SomeWords& Words1() {
  static const SomeWords words;
  return words;
}

const std::shared_ptr<const Vocabulary>& Vocabulary1() {
  static const std::shared_ptr<const Vocabulary> vocabulary = Words1().vocabulary();
  return vocabulary;
}

std::shared_ptr<const Grammar> Schema(const std::string& text) {
  return Grammar::Compile(Vocabulary1(), GrammarKind::kJsonSchema, text);
}

std::shared_ptr<const Grammar> Tag(const std::string& format) {
  return Grammar::Compile(Vocabulary1(), GrammarKind::kStructuralTag,
                          R"({"type":"structural_tag","format":)" + format + "}");
}

std::shared_ptr<const Grammar> Ebnf(const std::string& text) {
  return Grammar::Compile(Vocabulary1(), GrammarKind::kEbnf, text);
}

const char kPerson[] = R"({"type":"object","properties":{"name":{"type":"string"},"age":{"type":"integer"},)"
                       R"("tags":{"type":"array","items":{"enum":["a","b",null]}}},"required":["name","age"]})";

const char kCalls[] =
    R"({"type":"triggered_tags","triggers":["<call>"],"tags":[)"
    R"({"begin":"<call>{\"name\": \"read\", \"arguments\": ","content":{"type":"json_schema","json_schema":)"
    R"({"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}},"end":"}</call>"},)"
    R"({"begin":"<call>{\"name\": \"done\", \"arguments\": ","content":{"type":"json_schema","json_schema":)"
    R"({"type":"object","properties":{}}},"end":"}</call>"}]})";

const char kSentence[] = R"(root ::= "the " ("cat" | "dog") " " verb ("." | "!")
verb ::= "sits" | "runs" | [a-c]+ )";

std::vector<std::shared_ptr<const Grammar>> Some() {
  return {Schema(kPerson),
          Tag(kCalls),
          Ebnf(kSentence),
          Schema("true"),
          Tag(R"({"type":"any_text"})"),
          Tag(R"({"type":"const_string","value":"<call> naïve"})")};
}

/** Whether the state may go on with these ids, asked of a fresh one. */
bool FreshAllows(const Grammar& grammar, std::vector<int32_t> ids, int32_t next) {
  ids.push_back(next);
  GrammarState state(grammar);
  try {
    state.Sync(ids, kStops);
    return true;
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::kInvalidRequest);
    return false;
  }
}

/** An id that may follow, drawn evenly; −1 where none may. */
int32_t DrawAllowed(const GrammarState& state, int size, std::mt19937_64& random) {
  std::vector<int32_t> allowed;
  for (int32_t id = 0; id < size; ++id) {
    if (state.Allows(id)) allowed.push_back(id);
  }
  return allowed.empty() ? -1 : allowed[random() % allowed.size()];
}

}  // namespace

TEST("a grammar allows a word where the words before it and it are allowed one after the other, and nowhere else") {
  std::mt19937_64 random(5);
  int forced = 0, ended = 0;
  for (const auto& grammar : Some()) {
    for (int round = 0; round < 6; ++round) {
      GrammarState state(*grammar);
      state.Sync({}, kStops);
      for (int step = 0; step < 12; ++step) {
        int count = 0;
        for (int32_t id = 0; id < Words1().size(); ++id) {
          count += state.Allows(id);
          const bool is_mark = std::ranges::count(grammar->named(), id) > 0;
          if (id != SomeWords::kEnd && grammar->spoken().Has(id) && !is_mark) {
            CHECK_EQUAL(state.Allows(id), FreshAllows(*grammar, state.ids(), id));
          }
        }
        CHECK_EQUAL(state.forced().has_value(), count == 1);
        forced += count == 1;
        const int32_t id = DrawAllowed(state, Words1().size(), random);
        ended += id == SomeWords::kEnd;
        if (id < 0 || id == SomeWords::kEnd) break;
        state.Accept(id);
      }
    }
  }
  CHECK(forced > 10 && ended > 3);
}

TEST("a state is that of its ids, whatever it has gone through") {
  std::mt19937_64 random(7);
  for (const auto& grammar : Some()) {
    GrammarState travelled(*grammar);
    std::vector<std::vector<int32_t>> known{{}};
    for (int round = 0; round < 60; ++round) {
      std::vector<int32_t> ids = known[random() % known.size()];
      travelled.Sync(ids, kStops);
      for (int step = int(random() % 5); step > 0; --step) {
        const int32_t id = DrawAllowed(travelled, Words1().size(), random);
        if (id < 0 || id == SomeWords::kEnd) break;
        travelled.Accept(id);
        ids.push_back(id);
      }
      std::vector<int32_t> draft;
      for (int i = 0; i < 4; ++i) draft.push_back(int32_t(random() % 280));
      CHECK(travelled.Try(draft).allowed <= draft.size());
      if (random() % 3 == 0) {
        const size_t back = random() % (ids.size() + 1);
        travelled.Rollback(back);
        ids.resize(ids.size() - back);
      }
      known.push_back(ids);
      CHECK_EQUAL(travelled.ids(), ids);
      GrammarState fresh(*grammar);
      fresh.Sync(ids, kStops);
      CHECK_EQUAL(travelled.is_open(), fresh.is_open());
      CHECK_EQUAL(travelled.forced().value_or(-1), fresh.forced().value_or(-1));
      for (int32_t id = 0; id < Words1().size(); ++id) CHECK_EQUAL(travelled.Allows(id), fresh.Allows(id));
    }
  }
}

TEST("whatever is drawn under a schema is JSON of the schema, or the beginning of one") {
  std::mt19937_64 random(11);
  const auto grammar = Schema(kPerson);
  int whole = 0;
  for (int round = 0; round < 200; ++round) {
    GrammarState state(*grammar);
    state.Sync({}, kStops);
    bool ended = false;
    while (!ended && state.ids().size() < 200) {
      // A quote now and then, or strings never end.
      const int32_t quote = Words1().IdOf(random() % 2 == 0 ? "\"" : "}");
      const int32_t id = random() % 2 == 0 && state.Allows(quote) ? quote
                         : state.Allows(SomeWords::kEnd)          ? SomeWords::kEnd
                                                                  : DrawAllowed(state, Words1().size(), random);
      CHECK(id >= 0);
      ended = id == SomeWords::kEnd;
      if (!ended) state.Accept(id);
    }
    if (!ended) continue;
    ++whole;
    const json::Value value = json::Parse(Words1().Decode(state.ids()));
    CHECK(value.AsObject() != nullptr && value.Find("name")->AsString() && value.Find("age")->AsInt());
  }
  CHECK(whole > 100);
}

TEST("text before a call is free, the call is not, and text behind it is free again") {
  const auto grammar = Tag(kCalls);
  GrammarState state(*grammar);
  const auto at = [&](const std::string& text) { state.Sync(Words1().Encode(text), kStops); };
  const std::string call = "<call>{\"name\": \"read\", \"arguments\": {\"path\": \"x\"}}</call>";
  for (const std::string& free : {std::string(), std::string("I read it."), "a < b " + call, call + call + " done"}) {
    at(free);
    CHECK(state.is_open());
    CHECK(state.Allows(SomeWords::kEnd) && !state.forced());
    CHECK(state.Allows(Words1().size() - 1));  // an id that stands for nothing, as without a grammar
  }
  at("I read. <call>");
  CHECK(!state.is_open() && !state.Allows(SomeWords::kEnd));
  CHECK(state.Allows(Words1().IdOf("{\"")) && !state.Allows(Words1().IdOf("[")));
  CHECK(!state.Allows(Words1().size() - 1));
  at("<call>{\"name\": \"d");
  CHECK_EQUAL(state.forced().value_or(-1), int32_t('o'));
  CHECK_THROWS("INVALID_REQUEST", at("<call>{\"name\": \"write\""));
  CHECK_EQUAL(Words1().Decode(state.ids()), "<call>{\"name\": \"");
  at("<call>{\"name\": \"done\", \"arguments\": {}");
  CHECK(state.Allows(int32_t('}')) && !state.Allows(SomeWords::kEnd));
}

TEST("a mark that the grammar does not name comes only where nothing is forbidden") {
  const int32_t start = Words1().IdOf("<|start|>");
  const auto calls = Tag(kCalls), string = Schema(R"({"type":"string"})");
  GrammarState free(*calls), text(*string);
  free.Sync({}, kStops);
  CHECK(free.Allows(start));
  free.Sync(std::vector<int32_t>{start}, kStops);
  CHECK(free.is_open());
  free.Sync(Words1().Encode("<call>"), kStops);
  CHECK(!free.Allows(start));
  text.Sync(Words1().Encode("\"abc"), kStops);
  CHECK(text.Allows(Words1().IdOf("ing")) && !text.Allows(start));
}

TEST("a mark that the grammar names comes where it is one, and not as text in a string") {
  const int32_t begin = Words1().IdOf("<call>"), end = Words1().IdOf("</call>");
  const auto grammar = Tag(kCalls);
  GrammarState state(*grammar);
  const auto at = [&](const std::string& text) { state.Sync(Words1().Encode(text), kStops); };
  at("text ");
  CHECK(state.Allows(begin) && state.Allows(end));
  at("<call>{\"name\": \"read\", \"arguments\": {\"path\": \"");
  CHECK(state.Allows(int32_t('<')) && state.Allows(Words1().IdOf("<c")) && !state.Allows(begin) && !state.Allows(end));
  at("<call>{\"name\": \"read\", \"arguments\": {\"path\": \"\"}}");
  CHECK_EQUAL(state.Allows(end), true);
  CHECK(!state.Allows(begin));
  const auto until = Tag(R"({"type":"tag","begin":"<call>","content":{"type":"any_text"},"end":"</call>"})");
  GrammarState text(*until);
  text.Sync(Words1().Encode("<call>some"), kStops);
  CHECK(text.Allows(end) && !text.Allows(begin));
}

TEST("a mask makes impossible what is not allowed, and touches nothing else") {
  const auto grammar = Schema(kPerson);
  GrammarState state(*grammar);
  state.Sync(Words1().Encode("{"), kStops);
  std::vector<float> logits(size_t(Words1().size()));
  for (size_t i = 0; i < logits.size(); ++i) logits[i] = float(i);
  state.Mask(logits);
  for (int32_t id = 0; id < Words1().size(); ++id) {
    CHECK_EQUAL(std::isfinite(logits[size_t(id)]), state.Allows(id));
    if (state.Allows(id)) CHECK_EQUAL(logits[size_t(id)], float(id));
  }
}

TEST("an answer whose grammar needs a word that the model does not have fails there") {
  Words words;
  words.bytes = {'a', 'b'};
  words.ends = {1, 2};
  const auto vocabulary = std::make_shared<const Vocabulary>(words, 4);
  const auto grammar = Grammar::Compile(vocabulary, GrammarKind::kEbnf, "root ::= \"abc\"");
  GrammarState state(*grammar);
  const std::vector<int32_t> ids{0, 1}, stops{3};
  state.Sync(ids, stops);
  std::vector<float> logits(4);
  CHECK_THROWS("INVALID_REQUEST", state.Mask(logits));
}

TEST("leases go on from the nearest state and leave it behind") {
  const auto grammar = Schema(kPerson);
  const std::vector<int32_t> ids = Words1().Encode("{\"name\": \"Ada\", \"age\": 3");
  for (size_t length = 0; length <= ids.size(); ++length) {
    const GrammarLease lease(grammar, std::span(ids).first(length), kStops);
    const GrammarLease beside(grammar, std::span(ids).first(length / 2), kStops);
    CHECK_EQUAL(lease->ids().size(), length);
    CHECK_EQUAL(beside->ids().size(), length / 2);
  }
  CHECK_THROWS("INVALID_REQUEST", GrammarLease(grammar, Words1().Encode("{\"age\""), kStops));
  for (int i = 0; i < 40; ++i) GrammarLease(grammar, ids, kStops);
}

TEST("a text that is no grammar is refused with a reason") {
  const std::string deep(500, '['), closed(500, ']');
  const std::vector<std::function<void()>> bad{
      [] { Schema(""); },
      [] { Schema("{"); },
      [] { Schema("[]"); },
      [] { Schema("7"); },
      [] { Schema(R"({"type":"nothing"})"); },
      [] { Schema(R"({"$ref":"#/$defs/missing"})"); },
      [] { Schema(R"({"type":"string","pattern":"("})"); },
      [&] { Schema(deep + closed); },
      [&] { Schema(R"({"const":")" + std::string(kMostGrammarBytes, 'a') + "\"}"); },
      [&] { Schema(R"({"type":"string","pattern":")" + std::string(500, '(') + "\"}"); },
      [] { Tag("7"); },
      [] { Tag(R"({"type":"unknown"})"); },
      [] { Tag(R"({"type":"triggered_tags","triggers":[],"tags":[]})"); },
      [] { Tag(R"({"type":"json_schema","json_schema":{"type":"nothing"}})"); },
      [] { Tag(R"({"type":"grammar","syntax":"lark","grammar":"start: \"a\""})"); },
      [] { Grammar::Compile(Vocabulary1(), GrammarKind::kStructuralTag, "{}"); },
      [] { Ebnf(""); },
      [] { Ebnf("root ::= missing"); },
      [] { Ebnf("other ::= \"a\""); },
      [] { Ebnf("root ::= ("); },
  };
  for (size_t i = 0; i < bad.size(); ++i) {
    std::string reason;
    try {
      bad[i]();
    } catch (const Error& error) {
      CHECK(error.code() == ErrorCode::kInvalidRequest);
      reason = error.what();
    }
    if (reason.size() < 10) check::Fail(__FILE__, __LINE__, "text " + std::to_string(i) + " is taken");
  }
}

TEST("words that do not fit together are refused") {
  const auto made = [](Words words) { return Vocabulary(std::move(words), 4); };
  CHECK_THROWS("INVALID_REQUEST", made({{1, 2}, {2, 1}, {}, {}}));
  CHECK_THROWS("INVALID_REQUEST", made({{1, 2}, {1, 3}, {}, {}}));
  CHECK_THROWS("INVALID_REQUEST", made({{1, 2}, {-1}, {}, {}}));
  CHECK_THROWS("INVALID_REQUEST", made({{}, {0, 0, 0, 0, 0}, {}, {}}));
  CHECK_THROWS("INVALID_REQUEST", made({{1}, {1}, {4}, {}}));
  CHECK_THROWS("INVALID_REQUEST", made({{1}, {1}, {}, {-1}}));
  CHECK_EQUAL(made({{'a', 'b'}, {1, 2}, {}, {}}).WordOf(1), "b");
  CHECK_EQUAL(made({{'a', 'b'}, {1, 2}, {}, {}}).WordOf(3), "");
}

TEST("a compilation that is stopped ends with that") {
  CHECK_THROWS("ABORTED", Grammar::Compile(Vocabulary1(), GrammarKind::kJsonSchema, kPerson, [] { return true; }));
}
