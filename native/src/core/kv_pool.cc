#include "core/kv_pool.h"

#include <mlx/stream.h>
#include <mlx/transforms.h>

#include <chrono>
#include <cstring>
#include <span>
#include <thread>

#include "core/error.h"
#include "core/loader.h"
#include "core/memory.h"
#include "core/slab.h"

namespace resident {
namespace {

std::vector<std::byte*> Addresses(const Slabs& slabs) {
  std::vector<std::byte*> addresses;
  for (size_t i = 0; i < slabs.k.size(); ++i) {
    for (const Tensor* slab : {&slabs.k[i], &slabs.v[i]}) {
      addresses.push_back(const_cast<std::byte*>(slab->data<std::byte>()));
    }
  }
  return addresses;
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

KvPool::KvPool(PoolShape shape, const Ops& ops, mx::Device device, Use use)
    : shape_(std::move(shape)),
      promise_(
          PromiseLedger::OfProcess().Grant(shape_.bytes(), "a pool of " + std::to_string(shape_.blocks()) + " blocks")),
      device_(device) {
  for (const BlockGroup& group : shape_.groups()) layouts_.push_back(ops.LayoutOf(group.geometry));
  for (const int group : shape_.group_of_layer()) {
    const PoolGeometry& geometry = shape_.groups()[size_t(group)].geometry;
    slabs_.k.push_back(ops.MakeSlab(geometry));
    slabs_.v.push_back(ops.MakeSlab(geometry));
  }
  addresses_ = Addresses(slabs_);
  promise_->CountTouchedBy([memory = MemoryOf(slabs_)] {
    uint64_t bytes = 0;
    for (const std::span<const std::byte> slab : memory) bytes += TouchedBytes(slab.data(), slab.size());
    return bytes;
  });
  if (use == Use::kBytesOnly || ops.writes_slabs_directly()) {
    access_ = std::make_shared<SlabAccess>(shape_, layouts_, addresses_);
  }
}

KvPool::~KvPool() {
  promise_.reset();  // it looks at the slabs
  if (access_) access_->Close();
}

int KvPool::Commit(Slabs next, std::vector<Tensor> outputs) {
  intact_ = false;
  slabs_ = std::move(next);  // the old handles go, so that the graph holds the only ones
  outputs.insert(outputs.end(), slabs_.k.begin(), slabs_.k.end());
  outputs.insert(outputs.end(), slabs_.v.begin(), slabs_.v.end());
  mx::eval(std::move(outputs));
  WaitUntilReady();
  intact_ = true;
  std::vector<std::byte*> before = std::exchange(addresses_, Addresses(slabs_));
  int moved = 0;
  for (size_t i = 0; i < before.size(); ++i) moved += before[i] != addresses_[i];
  return moved;
}

void KvPool::RequireIntact() const {
  if (!intact_) throw Error(ErrorCode::kNativeFailure, "a step failed and the pool's contents are unknown");
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
