// The slabs themselves: updated in place, counted when they are not, refused once their contents are unknown.
#include "core/kv_pool.h"

#include <mlx/ops.h>
#include <mlx/transforms.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <stdexcept>
#include <thread>

#include "check.h"
#include "core/quantised_heads.h"
#include "core/slab.h"
#include "device.h"
#include "kernels/kernel_table.h"

using namespace resident;

namespace {

const mx::Device kCpu(mx::Device::cpu);

struct Fixture {
  Fixture()
      : ops(MakeMlxOps(TestDevice())),
        pool(PoolShape({.blocks = 64,
                        .block_tokens = 8,
                        .num_layers = 2,
                        .kv_heads = 2,
                        .head_dim = 16,
                        .dtype = DataType::kF32}),
             *ops, TestDevice()) {}

  static Tensor Append(const Tensor& slab, const Tensor& row, int slot) {
    return AppendRows(slab, mx::reshape(row, {1, 1, 1, 2, 16}, TestDevice()), MakeInts({slot}), TestDevice());
  }
  /** Both layers' slabs with `value` written into one slot. */
  Slabs Written(int slot, float value) const {
    Slabs next;
    const Tensor row = mx::full({1, 2, 1, 16}, value, TestDevice());
    for (size_t i = 0; i < 2; ++i) {
      next.k.push_back(Append(pool.slabs().k[i], row, slot));
      next.v.push_back(Append(pool.slabs().v[i], row, slot));
    }
    return next;
  }
  float At(const Tensor& slab, int slot) const { return slab.data<float>()[slot * 32]; }

  std::unique_ptr<Ops> ops;
  KvPool pool;
};

}  // namespace

TEST("a slab begins at a page and is MLX's own, so that updates reuse it") {
  for (const int blocks : {1, 3, 50}) {
    const PoolGeometry geometry{
        .blocks = blocks, .block_tokens = 8, .num_layers = 1, .kv_heads = 2, .head_dim = 12, .dtype = DataType::kF16};
    const Tensor slab = AllocateSlab(geometry, 64);
    auto* bytes = const_cast<std::byte*>(slab.data<std::byte>());
    CHECK_EQUAL(reinterpret_cast<uintptr_t>(bytes) % 4096, uintptr_t(0));
    CHECK(slab.is_donatable());
    CHECK(slab.buffer_size() >= slab.nbytes() + 64);
    CHECK(slab.buffer_size() <= slab.nbytes() + kSpareBufferBytes);
    std::fill_n(bytes, slab.nbytes() + 64, std::byte(1));  // the sanitizers see what is beyond
  }
}

TEST("what is asked for holds an aligned slab of any size, and comes back short enough to be reused") {
  const auto check = [](size_t bytes, size_t slack, const AllocatorRules& rules) {
    const size_t asked = SlabRequest(bytes + slack, rules);
    const size_t pages = (asked + rules.page_bytes - 1) / rules.page_bytes;
    const size_t buffer = asked > rules.page_bytes ? pages * rules.page_bytes : asked;
    const bool aligned = rules.alignment >= kSlabAlignment && asked >= rules.page_bytes;
    const size_t skipped = aligned ? 0 : kSlabAlignment - rules.alignment;
    CHECK(skipped + bytes + slack <= buffer);
    // Only slabs of stock operations are updated by MLX, and they have nothing behind them.
    if (slack == 0) CHECK(buffer <= bytes + kSpareBufferBytes);
  };
  for (const AllocatorRules& rules : {kMetalAllocator, kPlainAllocator}) {
    for (size_t bytes = 1; bytes <= 3 * kMetalAllocator.page_bytes; ++bytes) {
      for (const size_t slack : {0, 64}) check(bytes, slack, rules);
    }
    for (const DataType type : {DataType::kF32, DataType::kF16, DataType::kQ8}) {
      for (const int kv_heads : {1, 2, 3, 4, 5, 8, 16, 32}) {
        for (const int dim : {16, 32, 64, 72, 80, 96, 128, 256}) {
          for (const int tokens : {1, 4, 8, 16, 32, 64}) {
            for (int blocks = 1; blocks <= 4000; blocks += blocks < 64 ? 1 : 97) {
              const PoolGeometry geometry{.blocks = blocks,
                                          .block_tokens = tokens,
                                          .num_layers = 1,
                                          .kv_heads = kv_heads,
                                          .head_dim = dim,
                                          .dtype = type};
              check(size_t(geometry.slots()) * geometry.slot_bytes(), 0, rules);
            }
          }
        }
      }
    }
  }
}

TEST("appends are in place, step after step") {
  Fixture f;
  const float* before = f.pool.slabs().k[0].data<float>();
  for (int slot = 0; slot < 20; ++slot) CHECK_EQUAL(f.pool.Commit(f.Written(slot, float(slot)), {}), 0);
  CHECK_EQUAL(f.pool.slabs().k[0].data<float>(), before);
  for (int slot = 0; slot < 20; ++slot) CHECK_EQUAL(f.At(f.pool.slabs().v[1], slot), float(slot));
}

TEST("a handle that someone keeps moves its slab, which is counted, and bytes still go to the right place") {
  Fixture f;
  f.pool.Commit(f.Written(0, 1), {});
  {
    const Tensor kept = f.pool.slabs().k[1];
    CHECK_EQUAL(f.pool.Commit(f.Written(1, 2), {}), 1);
    CHECK_EQUAL(f.At(kept, 1) == 2, false);
  }
  CHECK_EQUAL(f.pool.Commit(f.Written(2, 3), {}), 0);
  f.pool.CopyBlock(0, 5, 3);
  for (int slot = 0; slot < 3; ++slot) CHECK_EQUAL(f.At(f.pool.slabs().k[1], 40 + slot), float(slot + 1));
}

TEST("a graph that is built and thrown away leaves the pool as it was") {
  Fixture f;
  f.pool.Commit(f.Written(0, 1), {});
  f.Written(0, 9);
  CHECK_EQUAL(f.pool.Commit(f.Written(1, 2), {}), 0);
  CHECK_EQUAL(f.At(f.pool.slabs().k[0], 0), 1.f);
}

TEST("after a step that fails the pool refuses, since its contents are unknown") {
  Fixture f;
  f.pool.Commit(f.Written(0, 1), {});
  f.pool.RequireIntact();
  std::optional<Tensor> foreign;  // belongs to another thread's stream: cannot be computed here
  std::thread([&] {
    foreign = mx::add(mx::full({4}, 1.f, TestDevice()), mx::full({4}, 2.f, TestDevice()), TestDevice());
  }).join();
  bool failed = false;
  try {
    f.pool.Commit(f.Written(1, 2), {*foreign});
  } catch (const std::exception&) {
    failed = true;
  }
  CHECK(failed);
  CHECK(f.pool.contents() == Contents::kUnknown);
  CHECK_THROWS("NATIVE_FAILURE", f.pool.RequireIntact());
}

TEST("a step counts as done only when the device was asked, and what it says then makes the contents unknown") {
  Fixture f;
  int asked = 0;
  bool fails = false;
  const auto check = [&] {
    ++asked;
    if (fails) throw std::runtime_error("a command buffer failed");
  };
  KvPool pool(f.pool.shape(), *f.ops, TestDevice(), KvPool::Use::kSteps, check);
  const auto written = [&](int slot) {
    Slabs next;
    const Tensor row = mx::full({1, 2, 1, 16}, 1.f, TestDevice());
    for (size_t i = 0; i < 2; ++i) {
      next.k.push_back(Fixture::Append(pool.slabs().k[i], row, slot));
      next.v.push_back(Fixture::Append(pool.slabs().v[i], row, slot));
    }
    return next;
  };
  CHECK_EQUAL(pool.Commit(written(0), {}), 0);
  CHECK_EQUAL(asked, 1);
  CHECK(pool.contents() == Contents::kIntact);
  fails = true;
  bool failed = false;
  try {
    pool.Commit(written(1), {});
  } catch (const std::runtime_error&) {
    failed = true;
  }
  CHECK(failed);
  CHECK(pool.contents() == Contents::kUnknown);
}

TEST("a pool on a GPU asks its device by itself, and one on a CPU has nothing to ask") {
  Fixture f;
  const mx::Device gpu(mx::Device::gpu);
  KvPool pool(f.pool.shape(), *f.ops, gpu);
  bool failed = false;
  try {
    pool.Commit(f.Written(0, 1), {});
  } catch (const std::exception&) {
    failed = true;  // there is no stream of a GPU to ask
  }
  CHECK_EQUAL(failed, !mx::is_available(gpu));
  CHECK_EQUAL(f.pool.Commit(f.Written(0, 1), {}), 0);
}

TEST("the first tokens of a block in 8 bits are its values and its scales, of every head, and nothing else") {
  const PoolGeometry geometry{
      .blocks = 3, .block_tokens = 7, .num_layers = 2, .kv_heads = 2, .head_dim = 33, .dtype = DataType::kQ8};
  CHECK_EQUAL(geometry.slot_bytes(), size_t(2 * (33 + 2 * 2)));
  const size_t heads = 2, dim = 33, groups = 2, all = 7, some = 5;
  for (const bool kernels : {true, false}) {
    const std::unique_ptr<Ops> ops = kernels ? MakeCpuOps(1) : MakeMlxOps(kCpu);
    KvPool pool(PoolShape(geometry), *ops, kCpu);
    std::vector<std::byte> whole(geometry.BlockBytes(7)), other(whole.size(), std::byte{0xee});
    for (size_t i = 0; i < whole.size(); ++i) whole[i] = std::byte(i * 7 % 223);
    pool.CopyIn(1, 7, whole);
    pool.CopyIn(2, 7, other);
    pool.CopyBlock(1, 2, 5);
    std::vector<std::byte> expected, left = other;
    const auto take = [&](size_t& at, size_t token_bytes) {
      expected.insert(expected.end(), whole.begin() + std::ptrdiff_t(at),
                      whole.begin() + std::ptrdiff_t(at + some * token_bytes));
      std::copy_n(whole.begin() + std::ptrdiff_t(at), some * token_bytes, left.begin() + std::ptrdiff_t(at));
      at += all * token_bytes;
    };
    size_t at = 0;
    for (int slab = 0; slab < 4; ++slab) {
      if (!kernels) {
        take(at, geometry.slot_bytes());
        continue;
      }
      const bool is_k = slab % 2 == 0;
      for (size_t i = 0; i < (is_k ? heads * dim : heads); ++i) take(at, is_k ? 1 : dim);
      for (size_t i = 0; i < heads * groups; ++i) take(at, 2);
    }
    CHECK_EQUAL(at, whole.size());
    std::vector<std::byte> part(geometry.BlockBytes(5)), copied(whole.size());
    pool.CopyOut(1, 5, part);
    CHECK(part == expected);
    pool.CopyOut(2, 7, copied);
    CHECK(copied == left);
    pool.CopyIn(0, 5, part);
    pool.CopyOut(0, 5, part);
    CHECK(part == expected);
  }
}

TEST("heads in 8 bits by MLX's operations have the kernels' bytes, and come back as values times scales") {
  for (const int dim : {8, 32, 33, 64, 80}) {
    std::vector<float> x(size_t(6 * dim));
    for (size_t i = 0; i < x.size(); ++i)
      x[i] = std::ldexp(float(i * 7919 % 1009) - 500, int(i / size_t(dim)) * 3 - 20);
    x[0] = 0;
    Tensor bytes = QuantiseHeads(Tensor(x.begin(), mx::Shape{2, 3, dim}, mx::float32), kCpu);
    CHECK_EQUAL(size_t(bytes.shape(2)), kernels::QuantisedHeadBytes(dim));
    Tensor back = mx::contiguous(DequantiseHeads(bytes, dim, kCpu), false, kCpu);
    bytes = mx::contiguous(bytes, false, kCpu);
    mx::eval(bytes, back);
    for (int head = 0; head < 6; ++head) {
      std::vector<int8_t> values(static_cast<size_t>(dim));
      std::vector<uint16_t> scales(size_t(kernels::CacheGroups(dim)));
      const float* from = x.data() + head * dim;
      kernels::TableOf(kernels::Level::kScalar).quantise_head(from, dim, values.data(), scales.data());
      const auto* ours = bytes.data<uint8_t>() + size_t(head) * kernels::QuantisedHeadBytes(dim);
      CHECK_EQUAL(std::memcmp(ours, values.data(), values.size()), 0);
      CHECK_EQUAL(std::memcmp(ours + dim, scales.data(), scales.size() * 2), 0);
      float largest = 0;
      for (int i = 0; i < dim; ++i) largest = std::max(largest, std::abs(from[i]));
      for (int i = 0; i < dim; ++i) CHECK_NEAR(back.data<float>()[head * dim + i], from[i], largest / 250);
    }
  }
}

TEST("heads in 8 bits by MLX's operations that are no numbers, or too large, come back as NaN and not as numbers") {
  std::vector<float> x(96, 1.f);
  x[5] = std::numeric_limits<float>::infinity();
  x[40] = std::nanf("");
  x[70] = 9e6f;
  const Tensor bytes = QuantiseHeads(Tensor(x.begin(), mx::Shape{1, 96}, mx::float32), kCpu);
  Tensor back = mx::contiguous(DequantiseHeads(bytes, 96, kCpu), false, kCpu);
  mx::eval(back);
  for (const int i : {0, 5, 32, 40, 64, 70}) CHECK(std::isnan(back.data<float>()[i]));
}
