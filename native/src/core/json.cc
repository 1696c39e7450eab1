#include "core/json.h"

#include <charconv>
#include <cstdlib>
#include <unordered_set>

namespace resident::json {
namespace {

constexpr int kMaxDepth = 64;
/** The header of a model with 200,000 tensors has fewer; each takes some hundred bytes of memory. */
constexpr int kMaxValues = 1 << 21;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Value Document() {
    Value value = ParseValue(0);
    SkipSpace();
    if (at_ != text_.size()) Fail("unexpected text after the value");
    return value;
  }

 private:
  [[noreturn]] void Fail(const char* what) const { throw ParseError(what, at_); }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void SkipSpace() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r')) {
      ++at_;
    }
  }

  void Expect(char c, const char* what) {
    SkipSpace();
    if (Peek() != c || at_ >= text_.size()) Fail(what);
    ++at_;
  }

  bool Accept(char c) {
    SkipSpace();
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Value ParseValue(int depth) {
    if (depth > kMaxDepth) Fail("nested too deeply");
    if (++values_ > kMaxValues) Fail("too many values");
    SkipSpace();
    switch (Peek()) {
      case '{':
        return ParseObject(depth);
      case '[':
        return ParseArray(depth);
      case '"':
        return Value(ParseString());
      case 't':
        return Word("true", Value(true));
      case 'f':
        return Word("false", Value(false));
      case 'n':
        return Word("null", Value());
      default:
        return ParseNumber();
    }
  }

  Value Word(std::string_view word, Value value) {
    if (text_.substr(at_, word.size()) != word) Fail("unknown word");
    at_ += word.size();
    return value;
  }

  Value ParseObject(int depth) {
    ++at_;
    Object members;
    std::unordered_set<std::string> seen;
    if (Accept('}')) return Value(std::move(members));
    do {
      SkipSpace();
      if (Peek() != '"') Fail("a key was expected");
      std::string key = ParseString();
      if (!seen.insert(key).second) Fail("duplicate key");
      Expect(':', "':' was expected");
      members.emplace_back(std::move(key), ParseValue(depth + 1));
    } while (Accept(','));
    Expect('}', "',' or '}' was expected");
    return Value(std::move(members));
  }

  Value ParseArray(int depth) {
    ++at_;
    Array items;
    if (Accept(']')) return Value(std::move(items));
    do {
      items.push_back(ParseValue(depth + 1));
    } while (Accept(','));
    Expect(']', "',' or ']' was expected");
    return Value(std::move(items));
  }

  std::string ParseString() {
    ++at_;
    std::string out;
    for (;;) {
      if (at_ >= text_.size()) Fail("unterminated string");
      const char c = text_[at_++];
      if (c == '"') return out;
      if (static_cast<unsigned char>(c) < 0x20) Fail("control character in a string");
      if (c != '\\') {
        out.push_back(c);
        continue;
      }
      ParseEscape(out);
    }
  }

  void ParseEscape(std::string& out) {
    const char c = Peek();
    ++at_;
    switch (c) {
      case '"':
      case '\\':
      case '/':
        out.push_back(c);
        return;
      case 'b':
        out.push_back('\b');
        return;
      case 'f':
        out.push_back('\f');
        return;
      case 'n':
        out.push_back('\n');
        return;
      case 'r':
        out.push_back('\r');
        return;
      case 't':
        out.push_back('\t');
        return;
      case 'u':
        AppendUtf8(out, ParseCodePoint());
        return;
      default:
        Fail("unknown escape");
    }
  }

  uint32_t ParseHex4() {
    if (text_.size() - at_ < 4) Fail("short \\u escape");
    uint32_t value = 0;
    const char* end = text_.data() + at_ + 4;
    const auto result = std::from_chars(text_.data() + at_, end, value, 16);
    if (result.ec != std::errc() || result.ptr != end) Fail("bad \\u escape");
    at_ += 4;
    return value;
  }

  uint32_t ParseCodePoint() {
    const uint32_t high = ParseHex4();
    if (high < 0xd800 || high > 0xdfff) return high;
    if (high > 0xdbff || text_.substr(at_, 2) != "\\u") Fail("lone surrogate");
    at_ += 2;
    const uint32_t low = ParseHex4();
    if (low < 0xdc00 || low > 0xdfff) Fail("lone surrogate");
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
  }

  static void AppendUtf8(std::string& out, uint32_t code) {
    if (code < 0x80) {
      out.push_back(char(code));
      return;
    }
    if (code < 0x800) {
      out.push_back(char(0xc0 | (code >> 6)));
    } else {
      if (code < 0x10000) {
        out.push_back(char(0xe0 | (code >> 12)));
      } else {
        out.push_back(char(0xf0 | (code >> 18)));
        out.push_back(char(0x80 | ((code >> 12) & 0x3f)));
      }
      out.push_back(char(0x80 | ((code >> 6) & 0x3f)));
    }
    out.push_back(char(0x80 | (code & 0x3f)));
  }

  size_t SkipDigits() {
    const size_t from = at_;
    while (Peek() >= '0' && Peek() <= '9') ++at_;
    return at_ - from;
  }

  Value ParseNumber() {
    const size_t from = at_;
    if (Peek() == '-') ++at_;
    const size_t first_digit = at_;
    const size_t digits = SkipDigits();
    if (digits == 0) Fail("a value was expected");
    if (digits > 1 && text_[first_digit] == '0') Fail("leading zero");
    bool integer = true;
    if (Peek() == '.') {
      integer = false;
      ++at_;
      if (SkipDigits() == 0) Fail("digits were expected");
    }
    if (Peek() == 'e' || Peek() == 'E') {
      integer = false;
      ++at_;
      if (Peek() == '+' || Peek() == '-') ++at_;
      if (SkipDigits() == 0) Fail("digits were expected");
    }
    const std::string number(text_.substr(from, at_ - from));
    if (integer) {
      int64_t value = 0;
      const auto result = std::from_chars(number.data(), number.data() + number.size(), value);
      if (result.ec == std::errc()) return Value(value);
    }
    return Value(std::strtod(number.c_str(), nullptr));
  }

  std::string_view text_;
  size_t at_ = 0;
  int values_ = 0;
};

}  // namespace

const Value* Value::Find(std::string_view key) const {
  const Object* object = AsObject();
  if (object == nullptr) return nullptr;
  for (const Member& member : *object) {
    if (member.first == key) return &member.second;
  }
  return nullptr;
}

Value Parse(std::string_view text) { return Parser(text).Document(); }

std::string Quote(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += "\\u00";
      out += {kHex[c >> 4], kHex[c & 15]};
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

}  // namespace resident::json
