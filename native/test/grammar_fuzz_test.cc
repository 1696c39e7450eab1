// Texts of grammars of any shape, and damaged ones: a grammar or INVALID_REQUEST, soon, and a grammar's answers never
// get stuck without reason. RESIDENT_SEED repeats a run; a failure names its seed.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "check.h"
#include "core/grammar.h"
#include "core/grammar_state.h"
#include "core/json.h"
#include "some_words.h"

using namespace resident;

namespace {

class Writer {
 public:
  explicit Writer(uint64_t seed) : random_(seed) {}

  int Below(int end) { return int(random_() % uint64_t(end)); }
  template <size_t N>
  const char* One(const char* const (&of)[N]) {
    return of[Below(int(N))];
  }

  std::string Value(int depth) {
    static constexpr const char* kLeaves[] = {
        "null", "true", "-1", "0.5", "1e400", "\"\"", "\"a\"", "\"\\u00e9\\n\"", "9007199254740993", "[]", "{}"};
    if (depth == 0 || Below(3) > 0) return One(kLeaves);
    return Below(2) == 0 ? "[" + Value(depth - 1) + "]" : "{\"k\":" + Value(depth - 1) + "}";
  }

  /** A JSON schema with what schemas have, sensible or not. */
  std::string Schema(int depth) {
    static constexpr const char* kTypes[] = {"\"string\"", "\"integer\"", "\"number\"", "\"boolean\"",
                                             "\"null\"",   "\"array\"",   "\"object\"", "[\"string\",\"null\"]",
                                             "\"odd\"",    "7",           "[]"};
    if (Below(25) == 0) return Below(2) == 0 ? "true" : "false";
    std::string text;
    const auto add = [&](const std::string& key, const std::string& value) {
      text += (text.empty() ? "\"" : ",\"") + key + "\":" + value;
    };
    if (Below(6) > 0) add("type", One(kTypes));
    const int members = Below(4);
    for (int i = 0; i < members; ++i) Keyword(depth, add);
    return "{" + text + "}";
  }

  /** A format of a structural tag. */
  std::string Format(int depth) {
    static constexpr const char* kMarks[] = {"\"<call>\"",  "\"</call>\"", "\"\"",  "\"{\"",
                                             "\"<|end|>\"", "\"\\n\"",     "\"a\"", "7"};
    static constexpr const char* kFlags[] = {"true", "false", "1"};
    switch (depth == 0 ? Below(4) : Below(11)) {
      case 0:
        return "{\"type\":\"const_string\",\"value\":" + std::string(One(kMarks)) + "}";
      case 1:
        return "{\"type\":\"json_schema\",\"json_schema\":" + Schema(2) + "}";
      case 2:
        return "{\"type\":\"any_text\"}";
      case 3:
        return "{\"type\":\"regex\",\"pattern\":" + Pattern() + "}";
      case 4:
        return "{\"type\":\"grammar\",\"grammar\":" + json::Quote(Ebnf()) + "}";
      case 5:
        return "{\"type\":\"qwen_xml_parameter\",\"json_schema\":" + Schema(2) + "}";
      case 6:
        return "{\"type\":\"sequence\",\"elements\":" + List(depth) + "}";
      case 7:
        return "{\"type\":\"or\",\"elements\":" + List(depth) + "}";
      case 8:
        return TagOf(depth, One(kMarks), One(kMarks));
      case 9:
        return "{\"type\":\"triggered_tags\",\"triggers\":[" + std::string(One(kMarks)) + "],\"tags\":[" +
               TagOf(depth, One(kMarks), One(kMarks)) + "],\"at_least_one\":" + One(kFlags) +
               ",\"stop_after_first\":" + One(kFlags) + "}";
      default:
        return "{\"type\":\"tags_with_separator\",\"separator\":" + std::string(One(kMarks)) + ",\"tags\":[" +
               TagOf(depth, One(kMarks), One(kMarks)) + "],\"at_least_one\":" + One(kFlags) +
               ",\"stop_after_first\":" + One(kFlags) + "}";
    }
  }

  std::string Ebnf() {
    static constexpr const char* kParts[] = {
        "\"a\"", "[a-z]",   "[^\"]", "b", "root", "(",  ")",      "|",        "*",     "+", "?",
        "{2,3}", "\"\\n\"", "\"",    "[", "::=",  "\n", "c ::= ", "\xc3\xa9", "\\x00", "#", "{900}"};
    std::string text = Below(8) == 0 ? "" : "root ::= ";
    for (int i = Below(9); i >= 0; --i) text += std::string(One(kParts)) + " ";
    if (Below(3) > 0) text += "\nb ::= \"b\" | \"bb\" b";
    return text;
  }

  std::string Damaged(std::string text) {
    for (int changes = 1 + Below(3); changes > 0 && !text.empty(); --changes) {
      const auto at = size_t(Below(int(text.size())));
      const int length = 1 + Below(8);
      if (Below(3) == 0)
        text.erase(at, size_t(length));
      else if (Below(2) == 0)
        text[at] = char(random_());
      else
        text.insert(at, text.substr(size_t(Below(int(text.size()))), size_t(length)));
    }
    return text;
  }

 private:
  template <typename Add>
  void Keyword(int depth, Add add) {
    static constexpr const char* kNumbers[] = {"0", "1", "3", "-1", "2.5", "100000", "1e30", "\"x\""};
    static constexpr const char* kFormats[] = {"\"date\"", "\"email\"", "\"uuid\"", "\"odd\"", "7"};
    static constexpr const char* kRefs[] = {"\"#\"", "\"#/$defs/a\"", "\"#/properties/a\"", "\"http://x\"", "7"};
    const auto inner = [&] { return depth == 0 ? Value(0) : Schema(depth - 1); };
    switch (Below(22)) {
      case 0:
        return add("properties", "{\"a\":" + inner() + ",\"b\":" + inner() + "}");
      case 1:
        return add("required", "[\"a\",\"zz\"]");
      case 2:
        return add("additionalProperties", inner());
      case 3:
        return add("items", inner());
      case 4:
        return add("prefixItems", "[" + inner() + "]");
      case 5:
        return add("enum", "[" + Value(2) + "," + Value(1) + "]");
      case 6:
        return add("const", Value(2));
      case 7:
        return add("anyOf", "[" + inner() + "," + inner() + "]");
      case 8:
        return add("oneOf", "[" + inner() + "]");
      case 9:
        return add("allOf", "[" + inner() + "]");
      case 10:
        return add("if", inner());
      case 11:
        return add("then", inner());
      case 12:
        return add("$ref", One(kRefs));
      case 13:
        return add("$defs", "{\"a\":" + inner() + "}");
      case 14:
        return add("pattern", Pattern());
      case 15:
        return add("format", One(kFormats));
      case 16:
        return add("minLength", One(kNumbers));
      case 17:
        return add("maxLength", One(kNumbers));
      case 18:
        return add("minimum", One(kNumbers));
      case 19:
        return add("maximum", One(kNumbers));
      case 20:
        return add("minItems", One(kNumbers));
      default:
        return add("description", "\"if (a [b {c <call> \\\\ \\u0000\"");
    }
  }

  std::string Pattern() {
    static constexpr const char* kParts[] = {"a",    "[a-z]",   "\\\\d", "(",        ")",     "|",    "*",
                                             "+?",   "{2,5}",   "^",     "$",        "(?=a)", "[",    "]",
                                             "\\\\", "\\u00e9", "(?:b)", "\\\\p{L}", "{",     "\\\\1"};
    std::string text;
    for (int i = Below(6); i >= 0; --i) text += One(kParts);
    return "\"" + text + "\"";
  }

  std::string TagOf(int depth, const std::string& begin, const std::string& end) {
    return "{\"type\":\"tag\",\"begin\":" + begin + ",\"content\":" + Format(depth - 1) + ",\"end\":" + end + "}";
  }

  std::string List(int depth) {
    std::string text;
    for (int i = Below(4); i > 0; --i) text += (text.empty() ? "" : ",") + Format(depth - 1);
    return "[" + text + "]";
  }

  std::mt19937_64 random_;
};

struct Count {
  int taken = 0, refused = 0;
  double slowest_seconds = 0;
};

/** Compiles the text and, if it is a grammar, writes an answer by it. */
void Play(const std::shared_ptr<const Vocabulary>& vocabulary, GrammarKind kind, const std::string& text,
          Writer& writer, Count& count) {
  const auto begin = std::chrono::steady_clock::now();
  try {
    const auto grammar = Grammar::Compile(vocabulary, kind, text);
    ++count.taken;
    const std::vector<int32_t> stops{SomeWords::kEnd};
    GrammarLease lease(grammar, {}, stops);
    for (int step = 0; step < 30; ++step) {
      int32_t next = -1;
      for (int tries = 0; tries < 400 && next < 0; ++tries) {
        const int32_t id = lease->forced().value_or(writer.Below(vocabulary->size()));
        if (lease->Allows(id)) next = id;
      }
      if (next < 0 || next == SomeWords::kEnd) break;
      lease->Accept(next);
    }
    lease->Rollback(lease->ids().size() / 2);
  } catch (const Error& error) {
    CHECK_EQUAL(std::string(ErrorCodeName(error.code())), "INVALID_REQUEST");
    ++count.refused;
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - begin;
  count.slowest_seconds = std::max(count.slowest_seconds, spent.count());
}

}  // namespace

TEST("texts of any shape become grammars or are refused, and neither takes long") {
  const char* wish = std::getenv("RESIDENT_SEED");
  const uint64_t seed = wish == nullptr ? 1 : std::strtoull(wish, nullptr, 10);
  const auto vocabulary = SomeWords().vocabulary();
  Writer writer(seed);
  Count count;
  const auto begin = std::chrono::steady_clock::now();
  const auto spent = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  int rounds = 0;
  for (; rounds < 1500 && spent() < 20; ++rounds) {
    const int what = writer.Below(8);
    std::string text = what < 3   ? writer.Schema(3)
                       : what < 6 ? R"({"type":"structural_tag","format":)" + writer.Format(3) + "}"
                                  : writer.Ebnf();
    if (writer.Below(4) == 0) text = writer.Damaged(text);
    const GrammarKind kind = what < 3   ? GrammarKind::kJsonSchema
                             : what < 6 ? GrammarKind::kStructuralTag
                                        : GrammarKind::kEbnf;
    try {
      if (std::getenv("RESIDENT_SHOW") != nullptr) std::fprintf(stderr, "%d %s\n", rounds, text.c_str());
      Play(vocabulary, kind, text, writer, count);
    } catch (const std::exception& error) {
      check::Fail(__FILE__, __LINE__, "seed " + std::to_string(seed) + ": " + text + ": " + error.what());
    }
  }
  std::printf("fuzz: %d grammars (seed %llu), %d taken, %d refused, the slowest in %.2f s\n", rounds,
              static_cast<unsigned long long>(seed), count.taken, count.refused, count.slowest_seconds);
  CHECK(count.taken > rounds / 10 && count.refused > rounds / 10);
  CHECK(count.slowest_seconds < kMostCompileSeconds);
}
