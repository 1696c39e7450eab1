#include <cstdlib>
#include <string>

#include "core/error.h"
#include "core/ops.h"
#include "core/processors.h"
#include "kernels/level.h"

namespace resident {
namespace {

constexpr int kMostThreads = 256;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

int ChooseThreads(int threads) {
  if (const std::string wish = Variable("RESIDENT_THREADS"); threads == 0 && !wish.empty()) {
    const bool number = wish.size() < 9 && wish.find_first_not_of("0123456789") == std::string::npos;
    threads = number ? std::stoi(wish) : -1;
  }
  if (threads == 0) return ComputeThreads();
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
  const bool made_for = kernels::FastestLevel() != kernels::Level::kScalar || !Variable("RESIDENT_CPU_LEVEL").empty();
  const bool own = wish.empty() ? device == mx::Device::cpu && made_for : wish == "cpu";
  return own ? MakeCpuOps(ChooseThreads(threads)) : MakeMlxOps(device);
}

}  // namespace resident
