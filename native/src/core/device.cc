#include "core/device.h"

#include <mlx/compile.h>
#include <mlx/memory.h>
#include <mlx/version.h>

#include <cstdlib>
#include <variant>

#include "core/error.h"
#include "core/memory.h"
#include "core/ops.h"
#include "core/promises.h"
#include "kernels/bandwidth.h"
#include "kernels/thread_pool.h"

namespace resident {

namespace mx = mlx::core;

namespace {

#if defined(__aarch64__) || defined(_M_ARM64)
constexpr char kProcessor[] = "arm64";
#else
constexpr char kProcessor[] = "x64";
#endif

bool GpuAvailable() { return mx::is_available(mx::Device(mx::Device::gpu)); }

}  // namespace

mx::Device ChooseDevice(DeviceChoice choice) {
  const char* variable = std::getenv("RESIDENT_DEVICE");
  const std::string wish = variable == nullptr ? "" : variable;
  if (choice == DeviceChoice::kDefault && wish == "cpu") choice = DeviceChoice::kCpu;
  if (choice == DeviceChoice::kDefault && wish == "gpu") choice = DeviceChoice::kGpu;
  if (choice == DeviceChoice::kDefault) choice = GpuAvailable() ? DeviceChoice::kGpu : DeviceChoice::kCpu;
  if (choice == DeviceChoice::kGpu && !GpuAvailable()) {
    throw Error(ErrorCode::kInvalidRequest, "this machine has no GPU that MLX can use");
  }
  return mx::Device(choice == DeviceChoice::kGpu ? mx::Device::gpu : mx::Device::cpu);
}

DeviceReport DescribeDevice() {
  const mx::Device device = ChooseDevice(DeviceChoice::kDefault);
  const MemoryInfo memory = ReadMemoryInfo();
  DeviceReport report{
      .is_gpu = device == mx::Device::gpu,
      .gpu_available = GpuAvailable(),
      .name = "",
      .physical_bytes = memory.physical_bytes,
      .available_bytes = Unpromised(memory.available_bytes, PromiseLedger::OfProcess().UntouchedBytes(false)),
      .mlx_active_bytes = mx::get_active_memory(),
      .mlx_cache_bytes = mx::get_cache_memory()};
  const auto& facts = mx::device_info(device);
  for (const char* key : {"device_name", "architecture"}) {
    const auto found = facts.find(key);
    if (found == facts.end()) continue;
    if (const auto* text = std::get_if<std::string>(&found->second); text != nullptr && report.name.empty())
      report.name = *text;
  }
  if (report.name.empty()) report.name = report.is_gpu ? "GPU" : "CPU";
  return report;
}

double MeasureReadBandwidth(int threads) {
  constexpr size_t kBytes = size_t(512) << 20;
  RequireMemory(kBytes, "the measurement");
  kernels::ThreadPool pool(ChooseThreads(threads));
  return kernels::MeasureReadBandwidth(pool, kBytes);
}

void PrepareMlx() {
#if defined(__linux__)
  mx::disable_compile();  // it would start a C++ compiler and load code from a shared temporary folder
#endif
}

std::string MlxVersion() { return mx::version(); }

std::string DeviceClass(const mx::Device& device) {
  return std::string(device == mx::Device::gpu ? "gpu-" : "cpu-") + kProcessor;
}

}  // namespace resident
