#pragma once
#include <cmath>
#include <functional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/error.h"

/** A test framework of one page: TEST(name) { CHECK(…); }. A failed check ends its test. */
namespace check {

struct Test {
  const char* name;
  std::function<void()> body;
};

inline std::vector<Test>& Tests() {
  static std::vector<Test> tests;
  return tests;
}

struct Register {
  Register(const char* name, std::function<void()> body) { Tests().push_back({name, std::move(body)}); }
};

class Failure : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void Fail(const char* file, int line, const std::string& what) {
  throw Failure(std::string(file) + ":" + std::to_string(line) + ": " + what);
}

template <typename T>
std::string Show(const T& value) {
  std::ostringstream out;
  if constexpr (requires { out << value; }) {
    out.precision(9);
    out << value;
  } else if constexpr (requires { value.begin(); }) {
    for (const auto& item : value) out << Show(item) << ' ';
  } else {
    out << '?';
  }
  return out.str();
}

template <typename A, typename B>
void Equal(const A& a, const B& b, const char* text, const char* file, int line) {
  if (!(a == b)) Fail(file, line, std::string(text) + ": " + Show(a) + " is not " + Show(b));
}

/** The code of the Error that `body` throws. */
inline std::string CodeOf(const std::function<void()>& body) {
  try {
    body();
  } catch (const resident::Error& error) {
    return resident::ErrorCodeName(error.code());
  }
  return "nothing was thrown";
}

}  // namespace check

#define CHECK_JOIN2(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN2(a, b)
#define TEST(name)                                                                               \
  static void CHECK_JOIN(Test, __LINE__)();                                                      \
  static const check::Register CHECK_JOIN(register, __LINE__)(name, CHECK_JOIN(Test, __LINE__)); \
  static void CHECK_JOIN(Test, __LINE__)()
#define CHECK(condition) \
  if (!(condition)) check::Fail(__FILE__, __LINE__, #condition)
#define CHECK_EQUAL(a, b) check::Equal(a, b, #a, __FILE__, __LINE__)
#define CHECK_NEAR(a, b, tolerance)                      \
  if (!(std::abs(double(a) - double(b)) <= (tolerance))) \
  check::Fail(__FILE__, __LINE__, std::string(#a) + ": " + check::Show(a) + " is not near " + check::Show(b))
#define CHECK_THROWS(code, ...) CHECK_EQUAL(check::CodeOf([&] { __VA_ARGS__; }), std::string(code))
