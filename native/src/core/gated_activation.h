#pragma once
#include <mlx/array.h>
#include <mlx/device.h>

#include <functional>
#include <vector>

#include "core/config.h"

namespace resident {

namespace mx = mlx::core;

/** activation(gate) * up, element by element. */
mx::array GatedActivation(Activation activation, const mx::array& gate, const mx::array& up, mx::Device device);

/** GatedActivation of {gate, up}. */
using CompiledActivation = std::function<std::vector<mx::array>(const std::vector<mx::array>&)>;

/**
 * The same as one operation instead of three or nine: mx::compile fuses them. Where compiling is off (PrepareMlx) it
 * stays as it is. Belongs to the thread that calls this.
 */
CompiledActivation CompileGatedActivation(Activation activation, mx::Device device);

}  // namespace resident
