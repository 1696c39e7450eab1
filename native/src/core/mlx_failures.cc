#include "core/mlx_failures.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace resident {
namespace {

/** Of MLX's allocators, and of Metal for a command buffer that failed. */
constexpr std::array<std::string_view, 4> kOutOfMemoryTexts = {
    "[malloc] Unable to allocate",
    "[metal::malloc] Attempting to allocate",
    "Insufficient Memory",
    "kIOGPUCommandBufferCallbackErrorOutOfMemory",
};

}  // namespace

Error FromMlx(const std::string& text) {
  const bool memory = std::ranges::any_of(kOutOfMemoryTexts,
                                          [&](std::string_view part) { return text.find(part) != std::string::npos; });
  if (!memory) return Error(ErrorCode::kNativeFailure, text);
  return Error(ErrorCode::kOutOfMemory, "the device ran out of memory: " + text);
}

}  // namespace resident
