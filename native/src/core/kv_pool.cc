#include "core/kv_pool.h"

#include <mlx/stream.h>
#include <mlx/transforms.h>

#include <chrono>
#include <cstring>
#include <thread>

#include "core/error.h"
#include "core/loader.h"
#include "core/memory.h"

namespace resident {
namespace {

// MLX reuses a buffer for an update when it is at most this much larger than the array.
constexpr size_t kSpareBufferBytes = 16384;

std::vector<std::byte*> Addresses(const Slabs& slabs) {
  std::vector<std::byte*> addresses;
  for (size_t i = 0; i < slabs.k.size(); ++i) {
    for (const Tensor* slab : {&slabs.k[i], &slabs.v[i]}) {
      addresses.push_back(const_cast<std::byte*>(slab->data<std::byte>()));
    }
  }
  return addresses;
}

}  // namespace

KvPool::KvPool(const PoolGeometry& geometry, const Ops& ops, mx::Device device) : geometry_(geometry), device_(device) {
  RequireMemory(geometry.bytes(), "a pool of " + std::to_string(geometry.blocks) + " blocks");
  const auto make = [&] {
    return ops.MakeSlab(geometry.slots(), geometry.kv_heads, geometry.head_dim, ToMlx(geometry.dtype));
  };
  for (int i = 0; i < geometry.num_layers; ++i) {
    slabs_.k.push_back(make());
    slabs_.v.push_back(make());
  }
  addresses_ = Addresses(slabs_);
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

std::byte* KvPool::At(size_t slab, int block) const {
  return addresses_[slab] + size_t(block) * size_t(geometry_.block_tokens) * geometry_.slot_bytes();
}

void KvPool::CopyBlock(int from, int to, int tokens) {
  const size_t bytes = size_t(tokens) * geometry_.slot_bytes();
  for (size_t i = 0; i < addresses_.size(); ++i) std::memcpy(At(i, to), At(i, from), bytes);
}

void KvPool::CopyOut(int block, int tokens, std::span<std::byte> into) const {
  const size_t bytes = size_t(tokens) * geometry_.slot_bytes();
  for (size_t i = 0; i < addresses_.size(); ++i) std::memcpy(into.data() + i * bytes, At(i, block), bytes);
}

void KvPool::CopyIn(int block, int tokens, std::span<const std::byte> from) {
  const size_t bytes = size_t(tokens) * geometry_.slot_bytes();
  for (size_t i = 0; i < addresses_.size(); ++i) std::memcpy(At(i, block), from.data() + i * bytes, bytes);
}

}  // namespace resident
