#include <cstdlib>
#include <string>

#include "core/error.h"
#include "core/ops.h"
#include "kernels/level.h"
#include "kernels/thread_pool.h"

namespace resident {
namespace {

constexpr int kMostThreads = 256;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

int ChooseThreads(int threads) {
  if (threads == 0 && !Variable("RESIDENT_THREADS").empty()) threads = std::atoi(Variable("RESIDENT_THREADS").c_str());
  if (threads == 0) return kernels::PhysicalCores();
  if (threads < 1 || threads > kMostThreads) {
    throw Error(ErrorCode::kInvalidRequest, "threads must be in 1…" + std::to_string(kMostThreads) + ", or 0 for all",
                {{"threads", double(threads)}});
  }
  return threads;
}

std::unique_ptr<Ops> ChooseOps(mx::Device device, int threads) {
  const std::string wish = Variable("RESIDENT_OPS");
  if (!wish.empty() && wish != "mlx" && wish != "cpu") {
    throw Error(ErrorCode::kInvalidRequest, "RESIDENT_OPS must be \"mlx\" or \"cpu\"");
  }
  if (wish == "cpu" && device == mx::Device::gpu) {
    throw Error(ErrorCode::kInvalidRequest, "RESIDENT_OPS is \"cpu\" and the device is the GPU",
                {{"device", std::string("gpu")}});
  }
  const bool fast = kernels::ChooseLevel() != kernels::Level::kScalar;
  const bool own =
      wish.empty() ? device == mx::Device::cpu && (fast || !Variable("RESIDENT_CPU_LEVEL").empty()) : wish == "cpu";
  return own ? MakeCpuOps(ChooseThreads(threads)) : MakeMlxOps(device);
}

}  // namespace resident
