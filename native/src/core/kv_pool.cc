#include "core/kv_pool.h"

#include <mlx/memory.h>
#include <mlx/stream.h>
#include <mlx/transforms.h>

#include <chrono>
#include <cstring>
#include <span>
#include <thread>
#include <utility>

#include "core/device.h"
#include "core/error.h"
#include "core/loader.h"
#include "core/memory.h"
#include "core/slab.h"

namespace resident {
namespace {

std::byte* Address(const Tensor& slab) { return const_cast<std::byte*>(slab.data<std::byte>()); }

/**
 * On a GPU, evaluation ends when the last command buffer has signalled its event. A buffer before it may have failed
 * all the same: its error is stored by a completion handler, which may run later, and MLX throws it from whatever call
 * comes next. Synchronising waits for all handlers and throws what they stored (Metal: CommandEncoder::synchronize).
 * That costs one empty command buffer a step. On a CPU a failed operation poisons the event that evaluation waits for,
 * so evaluation has thrown already and there is nothing to ask.
 */
KvPool::DeviceCheck CheckOf(mx::Device device) {
  if (device == mx::Device::cpu) return {};
  return [device] { mx::synchronize(mx::default_stream(device)); };
}

/** The slabs' memory, which a step may move: then all of it counts as touched, or some that is somebody else's. */
std::vector<std::span<const std::byte>> MemoryOf(const Slabs& slabs) {
  std::vector<std::span<const std::byte>> memory;
  for (const std::vector<Tensor>* side : {&slabs.k, &slabs.v}) {
    for (const Tensor& slab : *side) memory.emplace_back(slab.data<std::byte>(), slab.nbytes());
  }
  return memory;
}

}  // namespace

const char* ContentsName(Contents contents) { return contents == Contents::kIntact ? "intact" : "unknown"; }

KvPool::KvPool(PoolShape shape, const Ops& ops, mx::Device device, Use use)
    : KvPool(std::move(shape), ops, device, use, CheckOf(device)) {}

KvPool::KvPool(PoolShape shape, const Ops& ops, mx::Device device, Use use, DeviceCheck check)
    : shape_(std::move(shape)),
      promise_(PromiseLedger::OfProcess().Grant(
          shape_.bytes(), "a pool of " + std::to_string(shape_.blocks()) + " blocks", WorkingSetOf(device))),
      device_(device),
      updates_in_place_(!ops.writes_slabs_directly()),
      check_(std::move(check)) {
  // A freed buffer that MLX kept may be longer than what is asked for, and too long to be updated in place.
  mx::clear_cache();
  for (const BlockGroup& group : shape_.groups()) layouts_.push_back(ops.LayoutOf(group.geometry));
  for (const int group : shape_.group_of_layer()) {
    const PoolGeometry& geometry = shape_.groups()[size_t(group)].geometry;
    slabs_.k.push_back(ops.MakeSlab(geometry));
    slabs_.v.push_back(ops.MakeSlab(geometry));
  }
  for (size_t i = 0; i < slabs_.k.size(); ++i) {
    addresses_.push_back(Address(slabs_.k[i]));
    addresses_.push_back(Address(slabs_.v[i]));
  }
  promise_->CountTouchedBy([memory = MemoryOf(slabs_)] {
    uint64_t bytes = 0;
    for (const std::span<const std::byte> slab : memory) bytes += TouchedBytes(slab.data(), slab.size());
    return bytes;
  });
  if (use == Use::kBytesOnly || !updates_in_place_) {
    access_ = std::make_shared<SlabAccess>(shape_, layouts_, addresses_);
  }
}

KvPool::~KvPool() {
  promise_.reset();  // it looks at the slabs
  if (access_) access_->Close();
}

int KvPool::Commit(Slabs next, std::vector<Tensor> outputs) {
  // What may fail for want of memory comes before the old handles go.
  outputs.insert(outputs.end(), next.k.begin(), next.k.end());
  outputs.insert(outputs.end(), next.v.begin(), next.v.end());
  contents_ = Contents::kUnknown;
  slabs_ = std::move(next);  // the old handles go, so that the graph holds the only ones
  mx::eval(std::move(outputs));
  if (check_) check_();
  if (updates_in_place_) WaitUntilReady();
  int moved = 0;
  for (size_t i = 0; i < addresses_.size(); ++i) {
    std::byte* const now = Address((i % 2 == 0 ? slabs_.k : slabs_.v)[i / 2]);
    moved += std::exchange(addresses_[i], now) != now;
  }
  contents_ = Contents::kIntact;
  return moved;
}

void KvPool::RequireIntact() const {
  if (contents_ == Contents::kIntact) return;
  throw Error(ErrorCode::kNativeFailure, "a step failed and the pool's contents are unknown");
}

bool KvPool::ReadyInPlace() const {
  const auto ready = [](const Tensor& slab) {
    return slab.is_donatable() && slab.buffer_size() <= slab.nbytes() + kSpareBufferBytes;
  };
  for (size_t i = 0; i < slabs_.k.size(); ++i) {
    if (!ready(slabs_.k[i]) || !ready(slabs_.v[i])) return false;
  }
  return true;
}

/** A device's completion handlers may hold the buffers a moment longer than eval; then synchronising lets them go. */
void KvPool::WaitUntilReady() const {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
  while (!ReadyInPlace()) {
    if (std::chrono::steady_clock::now() > deadline) return mx::synchronize(mx::default_stream(device_));
    std::this_thread::yield();
  }
}

void KvPool::CopyBlock(int from, int to, int tokens) {
  const PoolGeometry& geometry = shape_.GroupOf(from).geometry;
  const std::ptrdiff_t distance =
      (std::ptrdiff_t(to) - from) * std::ptrdiff_t(geometry.block_tokens) * std::ptrdiff_t(geometry.slot_bytes());
  ForEachPiece(shape_, layouts_, addresses_, from, tokens,
               [&](std::byte* at, size_t bytes) { std::memcpy(at + distance, at, bytes); });
}

void KvPool::CopyOut(int block, int tokens, std::span<std::byte> into) const {
  std::byte* to = into.data();
  ForEachPiece(shape_, layouts_, addresses_, block, tokens, [&](const std::byte* at, size_t bytes) {
    std::memcpy(to, at, bytes);
    to += bytes;
  });
}

void KvPool::CopyIn(int block, int tokens, std::span<const std::byte> from) {
  const std::byte* next = from.data();
  ForEachPiece(shape_, layouts_, addresses_, block, tokens, [&](std::byte* at, size_t bytes) {
    std::memcpy(at, next, bytes);
    next += bytes;
  });
}

}  // namespace resident
