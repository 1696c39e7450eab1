// The slabs themselves: updated in place, counted when they are not, refused once their contents are unknown.
#include "core/kv_pool.h"

#include <mlx/ops.h>

#include <optional>
#include <thread>

#include "check.h"

using namespace resident;

namespace {

const mx::Device kCpu(mx::Device::cpu);

struct Fixture {
  Fixture()
      : ops(MakeMlxOps(kCpu)),
        pool(PoolShape({.blocks = 64,
                        .block_tokens = 8,
                        .num_layers = 2,
                        .kv_heads = 2,
                        .head_dim = 16,
                        .dtype = DataType::kF32}),
             *ops, kCpu) {}

  static Tensor Append(const Tensor& slab, const Tensor& row, int slot) {
    return mx::scatter(slab, {MakeInts({slot})}, mx::reshape(row, {1, 1, 1, 2, 16}, kCpu), std::vector<int>{1}, kCpu);
  }
  /** Both layers' slabs with `value` written into one slot. */
  Slabs Written(int slot, float value) const {
    Slabs next;
    const Tensor row = mx::full({1, 2, 1, 16}, value, kCpu);
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
  std::thread([&] { foreign = mx::add(mx::full({4}, 1.f, kCpu), mx::full({4}, 2.f, kCpu), kCpu); }).join();
  bool failed = false;
  try {
    f.pool.Commit(f.Written(1, 2), {*foreign});
  } catch (const std::exception&) {
    failed = true;
  }
  CHECK(failed);
  CHECK_THROWS("NATIVE_FAILURE", f.pool.RequireIntact());
}
