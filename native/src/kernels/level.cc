#include "kernels/level.h"

#include <cstdlib>

#include "core/error.h"

namespace resident::kernels {

std::optional<Level> LevelFromName(std::string_view name) {
  for (const Level level : kAllLevels) {
    if (LevelName(level) == name) return level;
  }
  return std::nullopt;
}

Level FastestLevel() {
  Level best = Level::kScalar;
  for (const Level level : kAllLevels) {
    if (CanRun(level)) best = level;
  }
  return best;
}

Level ChooseLevel() {
  const char* wish = std::getenv("RESIDENT_CPU_LEVEL");
  if (wish == nullptr || *wish == '\0') return FastestLevel();
  const std::optional<Level> level = LevelFromName(wish);
  if (!level || !CanRun(*level)) {
    std::string names;
    for (const Level other : kAllLevels) {
      if (CanRun(other)) names += (names.empty() ? "" : ", ") + std::string(LevelName(other));
    }
    throw Error(ErrorCode::kInvalidRequest,
                std::string("RESIDENT_CPU_LEVEL is \"") + wish + "\" and this processor can run " + names);
  }
  return *level;
}

}  // namespace resident::kernels
