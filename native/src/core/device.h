#pragma once
#include <mlx/device.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "core/device_choice.h"
#include "core/memory_limits.h"

namespace resident {

/** `DeviceInfo` of src/native/binding.ts. */
struct DeviceReport {
  bool is_gpu;
  bool gpu_available;
  std::string name;
  uint64_t physical_bytes, available_bytes, mlx_active_bytes, mlx_cache_bytes;
};

/**
 * The default is what RESIDENT_DEVICE says ("cpu" or "gpu"), otherwise the GPU where there is one. Throws as UsesGpu
 * does.
 */
mlx::core::Device ChooseDevice(DeviceChoice choice);

/** What a device may hold, in addition to the limits of every program: for a GPU that shares the machine's memory. */
std::optional<WorkingSet> WorkingSetOf(const mlx::core::Device& device);

/** What sets WiredMemory's limit: MLX where a Mac's GPU computes; it does nothing elsewhere. */
std::function<void(uint64_t)> WiredLimitOf(const mlx::core::Device& device);

/** What the machine offers, for the default device. */
DeviceReport DescribeDevice();

/**
 * Bytes a second that so many threads read from memory (0: as many as compute). Takes a quarter of a second. Throws
 * OUT_OF_MEMORY.
 */
double MeasureReadBandwidth(int threads);

/** Process-wide settings that MLX needs before its first use. */
void PrepareMlx();

std::string MlxVersion();

/** What decides, in addition to MLX's version, the last bits of its results on a device (DeviceClassName). */
std::string DeviceClass(const mlx::core::Device& device);

}  // namespace resident
