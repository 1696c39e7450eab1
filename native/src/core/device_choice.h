#pragma once
#include <optional>
#include <string>

namespace resident {

enum class DeviceChoice { kDefault, kCpu, kGpu };

/** What became of asking MLX for a GPU. */
struct GpuProbe {
  bool available = false;
  /** A Mac whose system shows no Metal device: what MLX says. Its allocator is Metal's there, for the CPU too. */
  std::optional<std::string> no_metal;
};

/**
 * Whether the GPU is to compute: as chosen, otherwise as `wish` (RESIDENT_DEVICE) has it, otherwise where there is one.
 * Throws INVALID_REQUEST where one is asked for and there is none, and NATIVE_FAILURE where MLX cannot work at all.
 */
bool UsesGpu(DeviceChoice choice, const std::string& wish, const GpuProbe& probe);

/**
 * Kind of device and processor, e.g. "cpu-x64", and a GPU's architecture, e.g. "gpu-arm64-applegpu_g15d": MLX chooses
 * its kernels by it.
 */
std::string DeviceClassName(bool is_gpu, const std::string& processor, const std::string& architecture);

}  // namespace resident
