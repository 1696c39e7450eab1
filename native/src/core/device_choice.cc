#include "core/device_choice.h"

#include "core/error.h"

namespace resident {

bool UsesGpu(DeviceChoice choice, const std::string& wish, const GpuProbe& probe) {
  if (probe.no_metal) {
    throw Error(ErrorCode::kNativeFailure,
                "this Mac shows no Metal device, and without one MLX computes neither on the GPU nor on the CPU; "
                "virtual machines and sessions without a screen often have none: " +
                    *probe.no_metal);
  }
  const bool wished = choice == DeviceChoice::kDefault;
  if (wished && wish == "cpu") choice = DeviceChoice::kCpu;
  if (wished && wish == "gpu") choice = DeviceChoice::kGpu;
  if (choice == DeviceChoice::kDefault) return probe.available;
  if (choice == DeviceChoice::kGpu && !probe.available) {
    const std::string none = " for a GPU, and this machine has none that MLX can use";
    throw Error(ErrorCode::kInvalidRequest,
                wished ? "RESIDENT_DEVICE asks" + none + ": unset it" : "the request asks" + none);
  }
  return choice == DeviceChoice::kGpu;
}

std::string DeviceClassName(bool is_gpu, const std::string& processor, const std::string& architecture) {
  const std::string kind = (is_gpu ? "gpu-" : "cpu-") + processor;
  return is_gpu && !architecture.empty() ? kind + "-" + architecture : kind;
}

}  // namespace resident
