#pragma once
#include <string>

#include "core/error.h"

namespace resident {

/** What MLX threw, by its text: it has one type of exception for all. OUT_OF_MEMORY or NATIVE_FAILURE. */
Error FromMlx(const std::string& text);

}  // namespace resident
