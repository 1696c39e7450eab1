#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/json.h"

namespace resident::config {

// Members of config.json, with null read as absent, as the writers of these files mean it. What is of another kind than
// asked for throws MODEL_CORRUPT.

/** What a config asks for and we do not compute. ParseModelConfig makes an error of it that names the family. */
struct NotComputed {
  std::string what;
  std::string missing;  // what computing it would need, or empty
};

[[noreturn]] void Corrupt(const std::string& what);
[[noreturn]] void Unsupported(const std::string& what);

const json::Value* Member(const json::Value& object, std::string_view key);
/** A number; infinite where it is tagged so, as mlx_lm writes numbers that JSON does not have. */
std::optional<double> Number(const json::Value& object, const char* key);
double Positive(const json::Value& object, const char* key, double otherwise);
std::optional<int> Integer(const json::Value& object, const char* key, int64_t least);
/** At least 1; `otherwise` 0: the object must say it. */
int RequiredInteger(const json::Value& object, const char* key, int otherwise = 0);
bool Flag(const json::Value& object, std::string_view key, bool otherwise);
std::optional<std::string> Text(const json::Value& object, const char* key);
/** The list's members, or nullptr where it is absent or no list. */
const json::Array* List(const json::Value& object, const char* key);
/** A member of a list as a number; MODEL_CORRUPT names the list. */
double NumberOf(const json::Value& member, const char* list);

}  // namespace resident::config
