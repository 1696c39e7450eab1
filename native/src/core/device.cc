#include "core/device.h"

#include <mlx/compile.h>
#include <mlx/memory.h>
#include <mlx/version.h>

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <variant>

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

GpuProbe AskForGpu() {
  const mx::Device gpu(mx::Device::gpu);
  if (!mx::is_available(gpu)) return {};
#if defined(__APPLE__)
  // MLX says yes on every Mac, and throws at the first use where the system shows no Metal device.
  try {
    mx::device_info(gpu);
  } catch (const std::exception& error) {
    return {false, error.what()};
  }
#endif
  return {true, {}};
}

const GpuProbe& Gpu() {
  static const GpuProbe probe = AskForGpu();
  return probe;
}

/** What MLX says of a device, or nothing. */
std::string TextFact(const mx::Device& device, const char* key) {
  const auto& facts = mx::device_info(device);
  const auto found = facts.find(key);
  if (found == facts.end()) return "";
  const auto* text = std::get_if<std::string>(&found->second);
  return text == nullptr ? "" : *text;
}

}  // namespace

mx::Device ChooseDevice(DeviceChoice choice) {
  const char* variable = std::getenv("RESIDENT_DEVICE");
  return mx::Device(UsesGpu(choice, variable == nullptr ? "" : variable, Gpu()) ? mx::Device::gpu : mx::Device::cpu);
}

std::optional<WorkingSet> WorkingSetOf(const mx::Device& device) {
  if (device != mx::Device::gpu) return std::nullopt;
  const auto& facts = mx::device_info(device);
  const auto found = facts.find("max_recommended_working_set_size");
  if (found == facts.end()) return std::nullopt;
  const auto* bytes = std::get_if<size_t>(&found->second);
  if (bytes == nullptr || *bytes == 0) return std::nullopt;
  return WorkingSet{.recommended_bytes = *bytes, .active_bytes = mx::get_active_memory()};
}

std::function<void(uint64_t)> WiredLimitOf(const mx::Device& device) {
  if (device != mx::Device::gpu) return [](uint64_t) {};
  return [](uint64_t bytes) { mx::set_wired_limit(bytes); };
}

DeviceReport DescribeDevice() {
  const mx::Device device = ChooseDevice(DeviceChoice::kDefault);
  const MemoryInfo memory = ReadMemoryInfo();
  DeviceReport report{
      .is_gpu = device == mx::Device::gpu,
      .gpu_available = Gpu().available,
      .name = "",
      .physical_bytes = memory.physical_bytes,
      .available_bytes = Unpromised(memory.available_bytes, PromiseLedger::OfProcess().UntouchedBytes(false)),
      .mlx_active_bytes = mx::get_active_memory(),
      .mlx_cache_bytes = mx::get_cache_memory()};
  if (const auto working_set = WorkingSetOf(device)) {
    report.available_bytes = std::min(report.available_bytes, working_set->room_bytes());
  }
  for (const char* key : {"device_name", "architecture"}) {
    if (report.name.empty()) report.name = TextFact(device, key);
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
  const bool is_gpu = device == mx::Device::gpu;
  return DeviceClassName(is_gpu, kProcessor, is_gpu ? TextFact(device, "architecture") : "");
}

}  // namespace resident
