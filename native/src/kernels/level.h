#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace resident::kernels {

/** Instruction sets that the kernels are compiled for, slowest first. Every level gives the same bits. */
enum class Level { kScalar, kAvx2, kAvxVnni, kAvx512Vnni, kAmxInt8, kNeon, kNeonDot };

constexpr Level kAllLevels[] = {Level::kScalar,  Level::kAvx2, Level::kAvxVnni, Level::kAvx512Vnni,
                                Level::kAmxInt8, Level::kNeon, Level::kNeonDot};

/** As RESIDENT_CPU_LEVEL names them: scalar; avx2, avxvnni, avx512vnni, amxint8 of x86; neon, neondot of Arm. */
std::string_view LevelName(Level level);
std::optional<Level> LevelFromName(std::string_view name);

/** Compiled in, and this processor (and its operating system) can run it. */
bool CanRun(Level level);

Level FastestLevel();

/** What RESIDENT_CPU_LEVEL says, otherwise the fastest that can run. Throws INVALID_REQUEST where it cannot. */
Level ChooseLevel();

}  // namespace resident::kernels
