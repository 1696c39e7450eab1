#include "core/config_fields.h"

#include <cmath>
#include <limits>

#include "core/error.h"

namespace resident::config {

void Corrupt(const std::string& what) { throw Error(ErrorCode::kModelCorrupt, "config.json: " + what); }

void Unsupported(const std::string& what) { throw NotComputed{what, ""}; }

const json::Value* Member(const json::Value& object, std::string_view key) {
  const json::Value* value = object.Find(key);
  return value == nullptr || value->IsNull() ? nullptr : value;
}

std::optional<double> Number(const json::Value& object, const char* key) {
  const json::Value* value = Member(object, key);
  if (value == nullptr) return std::nullopt;
  if (const int64_t* number = value->AsInt()) return double(*number);
  if (const double* number = value->AsDouble(); number != nullptr && std::isfinite(*number)) return *number;
  const json::Value* tag = value->Find("__float__");
  const std::string name = tag == nullptr || tag->AsString() == nullptr ? "" : *tag->AsString();
  if (name == "Infinity") return std::numeric_limits<double>::infinity();
  if (name == "-Infinity") return -std::numeric_limits<double>::infinity();
  Corrupt(std::string(key) + " is no number");
}

double Positive(const json::Value& object, const char* key, double otherwise) {
  const double value = Number(object, key).value_or(otherwise);
  if (!(value > 0)) Corrupt(std::string(key) + " must be above 0");
  return value;
}

std::optional<int> Integer(const json::Value& object, const char* key, int64_t least) {
  const json::Value* value = Member(object, key);
  if (value == nullptr) return std::nullopt;
  const int64_t* number = value->AsInt();
  if (number == nullptr || *number < least || *number > (1 << 30)) Corrupt(std::string(key) + " is out of range");
  return int(*number);
}

int RequiredInteger(const json::Value& object, const char* key, int otherwise) {
  const int value = Integer(object, key, 1).value_or(otherwise);
  if (value == 0) Corrupt(std::string(key) + " is missing");
  return value;
}

bool Flag(const json::Value& object, std::string_view key, bool otherwise) {
  const json::Value* value = Member(object, key);
  if (value == nullptr) return otherwise;
  if (value->AsBool() == nullptr) Corrupt(std::string(key) + " is neither true nor false");
  return *value->AsBool();
}

std::optional<std::string> Text(const json::Value& object, const char* key) {
  const json::Value* value = Member(object, key);
  if (value == nullptr) return std::nullopt;
  if (value->AsString() == nullptr) Corrupt(std::string(key) + " is no text");
  return *value->AsString();
}

const json::Array* List(const json::Value& object, const char* key) {
  const json::Value* value = Member(object, key);
  return value == nullptr ? nullptr : value->AsArray();
}

double NumberOf(const json::Value& member, const char* list) {
  if (const int64_t* number = member.AsInt()) return double(*number);
  if (const double* number = member.AsDouble(); number != nullptr && std::isfinite(*number)) return *number;
  Corrupt(std::string(list) + " has a member that is no number");
}

}  // namespace resident::config
