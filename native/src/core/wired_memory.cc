#include "core/wired_memory.h"

#include <algorithm>
#include <utility>

namespace resident {

uint64_t WiredLimit(uint64_t model_bytes, uint64_t pool_bytes, uint64_t recommended_bytes) {
  constexpr uint64_t kStepBytes = uint64_t(512) << 20;
  return std::min(model_bytes + pool_bytes + kStepBytes, recommended_bytes);
}

void WiredMemory::BeginRun(uint64_t limit_bytes) {
  lift_at_.reset();
  Set(limit_bytes);
}

void WiredMemory::EndRun(Time now) {
  if (limit_bytes_ > 0) lift_at_ = now + kIdle;
}

void WiredMemory::LiftWhenIdle(Time now) {
  if (lift_at_ && now >= *lift_at_) Lift();
}

void WiredMemory::Lift() {
  lift_at_.reset();
  Set(0);
}

void WiredMemory::Set(uint64_t limit_bytes) {
  if (std::exchange(limit_bytes_, limit_bytes) != limit_bytes) set_limit_(limit_bytes);
}

}  // namespace resident
