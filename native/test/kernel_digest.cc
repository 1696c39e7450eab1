#include "kernel_digest.h"

#include <cstddef>
#include <initializer_list>

#include "kernels/quantised_head.h"
#include "kernels/window.h"

using namespace resident::kernels;

namespace {

/** The same inputs everywhere: splitmix64 (Steele, Lea and Flood 2014), and floats that are made without rounding. */
class Inputs {
 public:
  explicit Inputs(uint64_t seed) : state_(seed) {}

  uint32_t Word() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return uint32_t((z ^ z >> 31) >> 32);
  }
  /** Within ±2. */
  float Float() {
    constexpr float kUnits[] = {0x1p-22f, 0x1p-23f, 0x1p-25f, 0x1p-28f};
    return float(int32_t(Word()) >> 8) * kUnits[Word() % 4];
  }
  void Floats(float* to, int count, float factor = 1) {
    for (int i = 0; i < count; ++i) to[i] = Float() * factor;
  }
  /** Between 1/32 and 2 and with either sign, or floats as above. */
  void Values(FloatType type, void* to, size_t count) {
    if (type == FloatType::kF32) return Floats(static_cast<float*>(to), int(count));
    const uint32_t least = type == FloatType::kF16 ? 10u << 10 : 122u << 7, range = type == FloatType::kF16 ? 10 : 7;
    auto* halves = static_cast<uint16_t*>(to);
    for (size_t i = 0; i < count; ++i) {
      const uint32_t word = Word();
      halves[i] = uint16_t((word >> 16 & 0x8000u) | (least + word % (6u << range)));
    }
  }
  void Bytes(void* to, size_t count) {
    for (size_t i = 0; i < count; ++i) static_cast<uint8_t*>(to)[i] = uint8_t(Word());
  }

 private:
  uint64_t state_;
};

/** FNV-1a over words. */
class Hash {
 public:
  void Add(const float* values, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      uint32_t word;
      __builtin_memcpy(&word, values + i, sizeof word);
      Mix(word);
    }
  }
  void Add(const int8_t* values, size_t count) {
    for (size_t i = 0; i < count; ++i) Mix(uint8_t(values[i]));
  }
  void Add(const uint16_t* values, size_t count) {
    for (size_t i = 0; i < count; ++i) Mix(values[i]);
  }
  uint64_t value() const { return value_; }

 private:
  void Mix(uint64_t word) { value_ = (value_ ^ word) * 0x100000001b3u; }
  uint64_t value_ = 0xcbf29ce484222325u;
};

/** Zeroed memory of one case. */
class Memory {
 public:
  template <typename T>
  T* Take(size_t count) {
    const size_t bytes = (count * sizeof(T) + 127) / 64 * 64;  // with some to read behind
    void* taken = bytes_ + used_;
    used_ += bytes;
    if (used_ > sizeof bytes_) __builtin_trap();
    return static_cast<T*>(__builtin_memset(taken, 0, bytes));
  }

 private:
  static constexpr size_t kBytes = 3 << 19;
  alignas(64) static inline uint8_t bytes_[kBytes];
  size_t used_ = 0;
};

constexpr FloatType kFloats[] = {FloatType::kF32, FloatType::kF16, FloatType::kBF16};

struct Digits {
  int8_t *digits, *pairs;
  float *scales, *sums;
  size_t stride;
  int groups;

  Digits(const KernelTable& table, Memory& memory, const float* x, int rows, int row_groups)
      : stride(size_t(rows)), groups(row_groups) {
    const size_t tiles = size_t((rows + kPairRows - 1) / kPairRows), all = size_t(groups) * stride + kReadableRows;
    digits = memory.Take<int8_t>(tiles * kPairRows * size_t(groups) * kDigitBytes);
    pairs = memory.Take<int8_t>(tiles * PairTileBytes(groups));
    scales = memory.Take<float>(all);
    sums = memory.Take<float>(all);
    for (int r = 0; r < rows; ++r) {
      const size_t at = size_t(r) * size_t(groups);
      table.quantise(x + at * kDigitGroup, groups, digits + at * kDigitBytes, pairs + PairOffset(r, groups), scales + r,
                     sums + r, stride);
    }
  }
  DigitRows rows() const { return {digits, pairs, scales, sums, stride, groups}; }
};

uint64_t Integers(const KernelTable& table) {
  constexpr int kGroups = 6;
  Memory memory;
  Inputs inputs(1);
  Hash hash;
  auto* x = memory.Take<float>(kGroups * kDigitGroup);
  inputs.Floats(x, kDigitGroup);
  inputs.Floats(x + kDigitGroup, kDigitGroup, 0x1p-120f);
  inputs.Floats(x + 2 * kDigitGroup, kDigitGroup, 0x1p126f);
  inputs.Floats(x + 3 * kDigitGroup, kDigitGroup, 0x1p-30f);  // the fifth is zeros
  x[3 * kDigitGroup + 7] = 1;
  inputs.Floats(x + 5 * kDigitGroup, kDigitGroup);
  x[5 * kDigitGroup + 9] = __builtin_inff();
  const Digits made(table, memory, x, 1, kGroups);
  hash.Add(made.digits, kGroups * kDigitBytes);
  hash.Add(made.scales, kGroups - 1);
  hash.Add(made.sums, kGroups - 1);
  return hash.value();
}

template <int Bits>
uint64_t QuantisedProducts(const KernelTable& table) {
  constexpr int kGroups = 8, kPanels = 2, kRows[] = {1, 2, 3, 4, 6, 8, 9, 17, 21};
  Inputs inputs(Bits);
  Hash hash;
  const int* rows = kRows;
  for (const FloatType type : kFloats) {
    for (const int a_scale : {1, 2, 4}) {
      Memory memory;
      auto* x = memory.Take<float>(size_t(*rows * kGroups * kDigitGroup));
      inputs.Floats(x, *rows * kGroups * kDigitGroup);
      const Digits digits(table, memory, x, *rows, kGroups);
      const size_t words = size_t(kPanelRows * a_scale * kDigitGroup * Bits / 8), scales = kPanelRows * SizeOf(type);
      const size_t panel_bytes = size_t(kGroups / a_scale) * (2 * scales + words);
      auto* panels = memory.Take<uint8_t>(kPanels * panel_bytes);
      for (uint8_t* at = panels; at < panels + kPanels * panel_bytes; at += 2 * scales + words) {
        inputs.Values(type, at, 2 * kPanelRows);
        inputs.Bytes(at + 2 * scales, words);
      }
      auto* y = memory.Take<float>(kPanels * PanelStride(*rows));
      table.quantised_panels({Bits, kGroups, a_scale, type}, panels, panel_bytes, kPanels, digits.rows(), *rows, y);
      table.end_panels();
      for (int p = 0; p < kPanels; ++p) hash.Add(y + size_t(p) * PanelStride(*rows), size_t(*rows * kPanelRows));
      ++rows;
    }
  }
  return hash.value();
}

uint64_t FloatProducts(const KernelTable& table) {
  constexpr int kInputs = 80;
  Inputs inputs(3);
  Hash hash;
  for (const FloatType type : kFloats) {
    for (const int rows : {1, 4, 7, 13}) {
      Memory memory;
      auto* x = memory.Take<float>(size_t(rows * kInputs));
      inputs.Floats(x, rows * kInputs);
      auto* panel = memory.Take<uint8_t>(kInputs * kPanelRows * SizeOf(type));
      inputs.Values(type, panel, kInputs * kPanelRows);
      auto* y = memory.Take<float>(size_t(rows * kPanelRows));
      table.float_panel(type, panel, kInputs, x, kInputs, rows, y, kPanelRows);
      hash.Add(y, size_t(rows * kPanelRows));
    }
  }
  return hash.value();
}

template <int Bits>
uint64_t CodedProducts(const KernelTable& table) {
  constexpr int kInputs = 96;
  Inputs inputs(6 + Bits);
  Hash hash;
  for (const FloatType type : kFloats) {
    for (const int scale_inputs : {16, 32}) {
      for (const int rows : {1, 2, 7, 13}) {
        Memory memory;
        auto* x = memory.Take<float>(size_t(rows * kInputs));
        inputs.Floats(x, rows * kInputs);
        const size_t scales = kPanelRows * SizeOf(type), codes = size_t(kPanelRows * scale_inputs * Bits / 8);
        const size_t panel_bytes = size_t(kInputs / scale_inputs) * (scales + codes);
        auto* panel = memory.Take<uint8_t>(panel_bytes);
        for (uint8_t* at = panel; at < panel + panel_bytes; at += scales + codes) {
          inputs.Values(type, at, kPanelRows);
          inputs.Bytes(at + scales, codes);
        }
        auto* y = memory.Take<float>(size_t(rows * kPanelRows));
        table.coded_panel({Bits, scale_inputs, type}, panel, kInputs, x, kInputs, rows, y, kPanelRows);
        hash.Add(y, size_t(rows * kPanelRows));
      }
    }
  }
  return hash.value();
}

uint64_t RowsByThemselves(const KernelTable& table) {
  Inputs inputs(4);
  Hash hash;
  for (const int n : {1, 37, 96}) {
    Memory memory;
    const auto padded = size_t(PaddedDim(n));
    auto* x = memory.Take<float>(padded);
    auto* w = memory.Take<float>(padded);
    auto* y = memory.Take<float>(padded);
    inputs.Floats(x, n, 60);
    inputs.Floats(w, n);
    table.rms_norm(x, w, n, 1e-5f, y);
    hash.Add(y, padded);
    table.silu_multiply(x, w, int(padded), y);
    hash.Add(y, padded);
    table.gelu_multiply(x, w, int(padded), y);
    hash.Add(y, padded);
    table.exp_weights(x, n, 30.f, 0.9f, y);
    hash.Add(y, size_t(n));
    table.rotate_halves(x, n / 2, w, w + n / 2);
    hash.Add(x, size_t(n));
  }
  return hash.value();
}

uint64_t QuantisedHeads(const KernelTable& table) {
  Inputs inputs(5);
  Hash hash;
  for (const int dim : {1, 20, 33, 64, 128}) {
    for (const float factor : {1.f, 0x1p-24f, 0x1p22f, 0x1p60f}) {
      Memory memory;
      auto* x = memory.Take<float>(size_t(dim));
      auto* values = memory.Take<int8_t>(size_t(dim));
      auto* scales = memory.Take<uint16_t>(size_t(CacheGroups(dim)));
      inputs.Floats(x, dim, factor);
      table.quantise_head(x, dim, values, scales);
      hash.Add(values, size_t(dim));
      hash.Add(scales, size_t(CacheGroups(dim)));
    }
  }
  return hash.value();
}

struct Context {
  int tokens, kv_heads, dim, block_tokens, positions, group, window;
};
/** Read in place and copied; one key and several splits; many rows and few; with a window. */
constexpr Context kContexts[] = {{1, 1, 64, 64, 1, 3, 0},
                                 {70, 2, 64, 64, 5, 3, 0},
                                 {77, 1, 20, 5, 3, 7, 0},
                                 {300, 1, 32, 64, 16, 3, 0},
                                 {330, 2, 33, 128, 2, 2, 100}};

/** A slab of random values, in 8 bits with scales behind those of each block. */
uint8_t* Slab(Memory& memory, Inputs& inputs, const Context& c, FloatType type, int blocks) {
  const size_t values = size_t(c.block_tokens * c.kv_heads * c.dim);
  if (type != FloatType::kQ8) {
    auto* slab = memory.Take<uint8_t>(size_t(blocks) * values * SizeOf(type));
    inputs.Values(type, slab, size_t(blocks) * values);
    return slab;
  }
  const QuantisedLayout layout{c.kv_heads, c.dim, c.block_tokens};
  auto* slab = memory.Take<uint8_t>(size_t(blocks) * layout.BlockBytes());
  for (int block = 0; block < blocks; ++block) {
    uint8_t* at = slab + size_t(block) * layout.BlockBytes();
    inputs.Bytes(at, values);
    const auto scales = size_t(c.kv_heads * CacheGroups(c.dim) * c.block_tokens);
    alignas(2) uint16_t made[1024];
    if (scales > 1024) __builtin_trap();
    inputs.Values(FloatType::kF16, made, scales);
    for (size_t i = 0; i < scales; ++i) made[i] &= 0x23ffu;  // positive, and so small that scores stay in range
    __builtin_memcpy(at + values, made, scales * kCacheScaleBytes);
  }
  return slab;
}

uint64_t Attention(const KernelTable& table) {
  Inputs inputs(6);
  Hash hash;
  for (const Context& c : kContexts) {
    for (const FloatType type : {FloatType::kF32, FloatType::kF16, FloatType::kBF16, FloatType::kQ8}) {
      Memory memory;
      const int blocks = (c.tokens + c.block_tokens - 1) / c.block_tokens, rows = c.positions * c.group;
      auto* blocks_of = memory.Take<int32_t>(size_t(blocks));
      for (int i = 0; i < blocks; ++i) blocks_of[i] = blocks - 1 - i;
      const CacheView view{Slab(memory, inputs, c, type, blocks),
                           Slab(memory, inputs, c, type, blocks),
                           type,
                           c.kv_heads,
                           c.dim,
                           c.block_tokens};
      const size_t stride = size_t(c.group * c.dim), state = PartialFloats(c.dim);
      auto* queries = memory.Take<float>(size_t(c.positions) * stride);
      auto* out = memory.Take<float>(size_t(c.positions) * stride);
      inputs.Floats(queries, c.positions * int(stride));
      const int first = c.tokens - c.positions, first_split = FirstKey(first, c.window) / kSplitKeys;
      const int end_split = (c.tokens - 1) / kSplitKeys + 1;
      AttendUnit unit{.cache = &view,
                      .table = blocks_of,
                      .kv_head = c.kv_heads - 1,
                      .first_position = first,
                      .positions = c.positions,
                      .heads = c.group,
                      .queries = queries,
                      .query_stride = stride,
                      .scale = 0.3f,
                      .window = c.window,
                      .first_split = first_split,
                      .end_split = end_split,
                      .out = out,
                      .out_stride = stride,
                      .partial = nullptr,
                      .scratch = memory.Take<float>(AttendScratchFloats(c.dim)),
                      .next = nullptr};
      table.attend(unit);
      hash.Add(out, size_t(c.positions) * stride);
      unit.out = nullptr;
      unit.partial = memory.Take<float>(size_t((end_split - first_split) * rows) * state);
      table.attend(unit);
      for (int r = 0; r < rows; ++r) {
        const int position = first + r / c.group, from = FirstKey(position, c.window) / kSplitKeys;
        table.join_splits(unit.partial + size_t((from - first_split) * rows + r) * state, size_t(rows) * state,
                          position / kSplitKeys + 1 - from, c.dim, out + size_t(r) * size_t(c.dim));
      }
      hash.Add(out, size_t(c.positions) * stride);
    }
  }
  return hash.value();
}

}  // namespace

const KernelDigest kKernelDigests[kKernelDigestCount] = {
    {"inputs as integers", Integers, 0x24c026cb1ee96952},
    {"products of 2 bits", QuantisedProducts<2>, 0x3b14b1f1b6fb7557},
    {"products of 3 bits", QuantisedProducts<3>, 0x0a876b41eee55a01},
    {"products of 4 bits", QuantisedProducts<4>, 0x83b036b364bcf9a5},
    {"products of 5 bits", QuantisedProducts<5>, 0xb2fe8e51c24e1142},
    {"products of 6 bits", QuantisedProducts<6>, 0xf99828f67fccefd0},
    {"products of 8 bits", QuantisedProducts<8>, 0xbb3628fc4ed32b69},
    {"products of floats", FloatProducts, 0x3f1bb029abd0f764},
    {"products of codes of 4 bits", CodedProducts<4>, 0x0f4e8cc9cc49c304},
    {"products of codes of 8 bits", CodedProducts<8>, 0x963f32f3bff0110d},
    {"norms, activations, exponentials and rotations", RowsByThemselves, 0x60bb08009d09fd49},
    {"heads in 8 bits", QuantisedHeads, 0x2368060a65dd9dde},
    {"attention", Attention, 0x5c3525d443ef2f99},
};
