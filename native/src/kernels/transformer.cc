#include "kernels/transformer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace resident::kernels {
namespace {

/** Rows that one chunk of a product takes: their digits stay in the second-level cache. */
constexpr int kBlockRows = 64;
/** Rows that one chunk of row-wise work takes at most. */
constexpr int kMostChunkRows = 16;
/** Multiplications that one chunk of a product should have: about 30 µs, without tiles and with them. */
constexpr double kChunkProducts = 1.5e6, kTileChunkProducts = 4.5e6;
/** Panels that one chunk has at most. */
constexpr int kMostChunkPanels = 8;
constexpr int kChunkFloats = kMostChunkPanels * kBlockRows * kPanelRows;
/** Chunks that each thread should find at least, so that an uneven one does not decide. */
constexpr int kChunksAThread = 8;
/** The same of units of attention, beyond which their splits need not be units of their own. */
constexpr int kUnitsAThread = 4;

int CeilDiv(int a, int b) { return (a + b - 1) / b; }

int PanelsAChunk(int panels, int inputs, int rows, int threads, bool tiles) {
  const double products = double(inputs) * kPanelRows * std::min(rows, kBlockRows);
  const int most = std::clamp(panels * CeilDiv(rows, kBlockRows) / (threads * kChunksAThread), 1, kMostChunkPanels);
  return std::clamp(int((tiles ? kTileChunkProducts : kChunkProducts) / products), 1, most);
}

int Outputs(const Matrices& matrices) {
  int outputs = 0;
  for (const PackedMatrix& matrix : matrices) outputs += matrix.outputs();
  return outputs;
}

bool NeedsDigits(std::initializer_list<const Matrices*> all) {
  return std::any_of(all.begin(), all.end(), [](const Matrices* matrices) {
    return std::any_of(matrices->begin(), matrices->end(), [](const PackedMatrix& m) { return m.quantised(); });
  });
}

/** A panel's outputs of one row; all but a matrix' last panel have 16, whose number the compiler then knows. */
void CopyOutputs(const float* tile, int valid, float* to) {
  if (valid == kPanelRows) {
    std::memcpy(to, tile, kPanelRows * sizeof(float));
  } else {
    std::copy_n(tile, valid, to);
  }
}

template <typename T>
T* As(Buffer& buffer) {
  return reinterpret_cast<T*>(buffer.data());
}

/** Neighbouring pairs (a, b) of a head: (a cos − b sin, b cos + a sin). */
void RotatePairs(float* head, int half, const float* cosines, const float* sines) {
  for (int i = 0; i < half; ++i) {
    const float a = head[2 * i], b = head[2 * i + 1];
    head[2 * i] = a * cosines[i] - b * sines[i];
    head[2 * i + 1] = b * cosines[i] + a * sines[i];
  }
}

void StoreCached(FloatType type, void* cache, size_t at, float value) {
  if (type == FloatType::kF32) {
    static_cast<float*>(cache)[at] = value;
  } else {
    static_cast<uint16_t*>(cache)[at] = type == FloatType::kF16 ? ToHalf(value) : ToBrain(value);
  }
}

/** The scales of one token's head, [group][token] in the block. */
void StoreScales(const uint16_t* scales, int groups, const QuantisedLayout& layout, const Slot& slot, int head,
                 std::byte* slab) {
  std::byte* to = slab + layout.Scales(slot.block, head) + size_t(slot.offset) * kCacheScaleBytes;
  for (int g = 0; g < groups; ++g, to += size_t(layout.block_tokens) * kCacheScaleBytes) {
    std::memcpy(to, scales + g, kCacheScaleBytes);
  }
}

/** K and V of some rows in 8 bits; `keys` and `values` are the first row's. */
void AppendQuantised(const KernelTable& table, const QuantisedLayout& layout, std::span<const Slot> slots,
                     const LayerCache& cache, const float* keys, const float* values, size_t stride) {
  const int dim = layout.head_dim, groups = CacheGroups(dim);
  const size_t tokens = size_t(layout.block_tokens);
  auto *k = static_cast<std::byte*>(cache.k), *v = static_cast<std::byte*>(cache.v);
  int8_t rows[kMostChunkRows][kMaxHeadDim];
  int8_t* columns[kMostChunkRows];
  uint16_t scales[CacheGroups(kMaxHeadDim)];
  for (int h = 0; h < layout.kv_heads; ++h) {
    const size_t head = size_t(h) * size_t(dim);
    for (size_t r = 0; r < slots.size(); ++r) {
      const Slot& slot = slots[r];
      table.quantise_head(keys + r * stride + head, dim, rows[r], scales);
      StoreScales(scales, groups, layout, slot, h, k);
      columns[r] = reinterpret_cast<int8_t*>(k + layout.Values(slot.block, h)) + slot.offset;
      std::byte* to = v + layout.Values(slot.block, h) + size_t(slot.offset) * size_t(dim);
      table.quantise_head(values + r * stride + head, dim, reinterpret_cast<int8_t*>(to), scales);
      StoreScales(scales, groups, layout, slot, h, v);
    }
    for (int d = 0; d < dim; ++d) {
      for (size_t r = 0; r < slots.size(); ++r) columns[r][size_t(d) * tokens] = rows[r][d];
    }
  }
}

}  // namespace

NormWeight::NormWeight(std::span<const float> values)
    : features(int(values.size())), weight(size_t(PaddedDim(int(values.size()))), 0.f) {
  std::copy(values.begin(), values.end(), weight.begin());
}

/** A matrix of a product, and where its outputs begin in the result. */
struct Transformer::Product {
  const PackedMatrix* matrix;
  int offset;

  static void Add(std::vector<Product>& products, const Matrices& matrices) {
    for (const PackedMatrix& matrix : matrices) {
      const int offset = products.empty() ? 0 : products.back().offset + products.back().matrix->outputs();
      products.push_back({&matrix, offset});
    }
  }
};

float* Transformer::Floats(Buffer& buffer, size_t count) {
  buffer.Reserve(count * sizeof(float));
  return As<float>(buffer);
}

void Transformer::Embed(const Matrices& table, float scale, std::span<const int32_t> ids, float* x) {
  const PackedMatrix& matrix = table.front();
  const size_t stride = size_t(matrix.padded_inputs());
  for (size_t i = 0; i < ids.size(); ++i) matrix.Row(ids[i], x + i * stride);
  if (scale != 1) std::for_each(x, x + ids.size() * stride, [&](float& value) { value *= scale; });
}

void Transformer::ReserveDigits(int rows, int groups) {
  const size_t count = size_t(rows) * size_t(groups);
  const size_t readable = size_t(CeilDiv(rows, kReadableRows) * kReadableRows);
  digit_buffers_.digits.Reserve(readable * size_t(groups) * kDigitBytes);
  if (table_.takes_pairs) digit_buffers_.pairs.Reserve(readable / kPairRows * PairTileBytes(groups));
  digit_buffers_.scales.Reserve((count + kReadableRows) * sizeof(float));
  digit_buffers_.sums.Reserve((count + kReadableRows) * sizeof(float));
}

DigitRows Transformer::MakeDigits(int rows, int groups) {
  return {As<int8_t>(digit_buffers_.digits),
          table_.takes_pairs ? As<int8_t>(digit_buffers_.pairs) : nullptr,
          As<float>(digit_buffers_.scales),
          As<float>(digit_buffers_.sums),
          size_t(rows),
          groups};
}

template <typename Work>
void Transformer::ForRows(int rows, Work work) {
  const int a_chunk = std::clamp(CeilDiv(rows, 2 * threads()), 1, kMostChunkRows);
  pool_.Run(CeilDiv(rows, a_chunk),
            [&](int chunk, int) { work(chunk * a_chunk, std::min(rows, (chunk + 1) * a_chunk)); });
}

void Transformer::QuantiseRows(const float* x, size_t stride, int rows, int groups, int first, int end) {
  for (int r = first; r < end; ++r) {
    int8_t* digits = As<int8_t>(digit_buffers_.digits) + size_t(r) * size_t(groups) * kDigitBytes;
    int8_t* pairs = table_.takes_pairs ? As<int8_t>(digit_buffers_.pairs) + PairOffset(r, groups) : nullptr;
    table_.quantise(x + size_t(r) * stride, groups, digits, pairs, As<float>(digit_buffers_.scales) + r,
                    As<float>(digit_buffers_.sums) + r, size_t(rows));
  }
}

Transformer::Inputs Transformer::Normalise(const NormWeight& norm, float eps, int rows, const float* x, bool digits) {
  const size_t stride = norm.weight.size();
  const int groups = int(stride) / kDigitGroup;
  float* y = Floats(normed_, size_t(rows) * stride);
  if (digits) ReserveDigits(rows, groups);
  ForRows(rows, [&](int first, int end) {
    for (int r = first; r < end; ++r) {
      table_.rms_norm(x + size_t(r) * stride, norm.weight.data(), norm.features, eps, y + size_t(r) * stride);
    }
    if (digits) QuantiseRows(y, stride, rows, groups, first, end);
  });
  return {y, stride, MakeDigits(rows, groups), rows};
}

Transformer::Inputs Transformer::Prepare(const float* x, int features, int rows, bool digits) {
  const size_t stride = size_t(PaddedDim(features));
  const int groups = features / kDigitGroup;
  if (digits) {
    ReserveDigits(rows, groups);
    ForRows(rows, [&](int first, int end) { QuantiseRows(x, stride, rows, groups, first, end); });
  }
  return {x, stride, MakeDigits(rows, groups), rows};
}

/** y [panels][rows, PanelStride][16], bias included. */
void Transformer::MultiplyPanels(const PackedMatrix& matrix, int begin, int end, const Inputs& in, int first, int rows,
                                 float* y) const {
  const size_t stride = PanelStride(rows);
  if (matrix.quantised()) {
    table_.quantised_panels(matrix.format(), reinterpret_cast<const uint8_t*>(matrix.Panel(begin)),
                            matrix.panel_bytes(), end - begin, in.digits.From(first), rows, y);
  } else {
    for (int p = begin; p < end; ++p) {
      table_.float_panel(matrix.float_type(), matrix.Panel(p), matrix.padded_inputs(), in.x + size_t(first) * in.stride,
                         in.stride, rows, y + size_t(p - begin) * stride, kPanelRows);
    }
  }
  const float* bias = matrix.bias();
  if (bias == nullptr) return;
  for (int p = begin; p < end; ++p) {
    float* at = y + size_t(p - begin) * stride;
    for (int i = 0; i < rows * kPanelRows; ++i) at[i] += bias[p * kPanelRows + i % kPanelRows];
  }
}

/** Calls work(first row, rows, first panel, end, thread) for blocks of rows and some panels each, on all threads. */
template <typename Work>
void Transformer::ForPanels(int panels, const Inputs& in, Work work) {
  const int a_chunk = PanelsAChunk(panels, int(in.stride), in.rows, pool_.threads(), table_.takes_pairs);
  const int chunks_a_block = CeilDiv(panels, a_chunk);
  pool_.Run(chunks_a_block * CeilDiv(in.rows, kBlockRows), [&](int chunk, int thread) {
    const int first = chunk / chunks_a_block * kBlockRows, begin = chunk % chunks_a_block * a_chunk;
    work(first, std::min(kBlockRows, in.rows - first), begin, std::min(panels, begin + a_chunk), thread);
    table_.end_panels();
  }, ThreadPool::Order::kOwnFirst);
}

/** Calls use(product, panel, first row, rows, y [rows][16], thread) for every panel and block of rows. */
template <typename Use>
void Transformer::Multiply(std::span<const Product> products, const Inputs& in, Use use) {
  int panels = 0;
  for (const Product& product : products) panels += product.matrix->panels();
  ForPanels(panels, in, [&](int first, int rows, int begin, int end, int thread) {
    float y[kChunkFloats];
    int base = 0;
    for (const Product& product : products) {
      const int count = product.matrix->panels();
      const int from = std::max(begin - base, 0), to = std::min(end - base, count);
      base += count;
      if (from >= to) continue;
      MultiplyPanels(*product.matrix, from, to, in, first, rows, y);
      for (int p = from; p < to; ++p) use(product, p, first, rows, y + size_t(p - from) * PanelStride(rows), thread);
    }
  });
}

void Transformer::RotateAndAppend(const AttentionWeights& w, const Rows& rows, const LayerCache& cache, int first,
                                  int end) {
  const int dim = w.head_dim, all_heads = w.heads + w.kv_heads;
  const size_t stride = qkv_stride_;
  float* qkv = As<float>(queries_keys_values_);
  float head[kMaxHeadDim] = {};
  for (int r = first; r < end; ++r) {
    const float* cosines = w.rotary->Cosines(rows.positions[size_t(r)]);
    const float* sines = w.rotary->Sines(rows.positions[size_t(r)]);
    for (int h = 0; h < all_heads; ++h) {
      float* at = qkv + size_t(r) * stride + size_t(h) * size_t(dim);
      const NormWeight* norm = h < w.heads ? w.query_norm : w.key_norm;
      if (norm != nullptr) {
        std::copy(at, at + dim, head);
        table_.rms_norm(head, norm->weight.data(), dim, w.norm_eps, head);
        std::copy(head, head + dim, at);
      }
      if (w.rotary->magnitude() != 1) std::for_each(at, at + dim, [&](float& v) { v *= w.rotary->magnitude(); });
      if (w.rotary->traditional()) {
        RotatePairs(at, dim / 2, cosines, sines);
      } else {
        table_.rotate_halves(at, dim / 2, cosines, sines);
      }
    }
  }
  // Neighbouring rows go to neighbouring tokens of K, which lies transposed: rows are the inner loop.
  const size_t tokens = size_t(rows.block_tokens), keys = size_t(w.heads) * size_t(dim);
  const size_t values = keys + size_t(w.kv_heads) * size_t(dim);
  const std::span slots(rows.slots.data() + first, size_t(end - first));
  if (cache.type == FloatType::kQ8) {
    const float* row = qkv + size_t(first) * stride;
    return AppendQuantised(table_, {w.kv_heads, dim, rows.block_tokens}, slots, cache, row + keys, row + values,
                           stride);
  }
  const auto head_of = [&](const Slot& slot, int h) { return size_t(slot.block) * size_t(w.kv_heads) + size_t(h); };
  for (int h = 0; h < w.kv_heads; ++h) {
    for (int d = 0; d < dim; ++d) {
      const float* from = qkv + size_t(first) * stride + keys + size_t(h * dim + d);
      for (const Slot& slot : slots) {
        const size_t to = (head_of(slot, h) * size_t(dim) + size_t(d)) * tokens + size_t(slot.offset);
        StoreCached(cache.type, cache.k, to, *from);
        from += stride;
      }
    }
    const float* from = qkv + size_t(first) * stride + values + size_t(h * dim);
    for (const Slot& slot : slots) {
      const size_t to = (head_of(slot, h) * tokens + size_t(slot.offset)) * size_t(dim);
      for (int d = 0; d < dim; ++d) StoreCached(cache.type, cache.v, to + size_t(d), from[d]);
      from += stride;
    }
  }
}

void Transformer::AttendRows(const AttentionWeights& w, const Rows& rows, const LayerCache& cache) {
  const int dim = w.head_dim, group = w.heads / w.kv_heads, a_unit = std::min(group, kUnitRows);
  const size_t out_stride = size_t(PaddedDim(w.heads * dim));
  const CacheView view{cache.k, cache.v, cache.type, w.kv_heads, dim, rows.block_tokens};
  const float* qkv = As<float>(queries_keys_values_);
  float* attended = As<float>(attended_);
  std::vector<AttendUnit> units;
  for (const SequenceRows& sequence : rows.sequences) {
    const int positions = std::max(1, kUnitRows / a_unit);
    // The longest first: what is left at the end is short.
    for (int end = sequence.rows; end > 0; end -= std::min(end, positions)) {
      const int first = std::max(0, end - positions), row = sequence.first_row + first;
      for (int kv = 0; kv < w.kv_heads; ++kv) {
        for (int h = 0; h < group; h += a_unit) {
          const size_t at = size_t(kv * group + h) * size_t(dim);
          units.push_back({.cache = &view,
                           .table = sequence.table,
                           .kv_head = kv,
                           .first_position = sequence.start + first,
                           .positions = end - first,
                           .heads = std::min(a_unit, group - h),
                           .queries = qkv + size_t(row) * qkv_stride_ + at,
                           .query_stride = qkv_stride_,
                           .scale = w.scale,
                           .window = w.window,
                           .first_split = FirstKey(sequence.start + first, w.window) / kSplitKeys,
                           .end_split = (sequence.start + end - 1) / kSplitKeys + 1,
                           .out = attended + size_t(row) * out_stride + at,
                           .out_stride = out_stride,
                           .partial = nullptr,
                           .scratch = nullptr});
        }
      }
    }
  }
  const size_t scratch = AttendScratchFloats(dim);
  float* memory = Floats(scratch_, scratch * size_t(pool_.threads()));
  const auto run = [&](std::vector<AttendUnit>& all) {
    pool_.Run(int(all.size()), [&](int i, int thread) {
      all[size_t(i)].scratch = memory + scratch * size_t(thread);
      table_.attend(all[size_t(i)]);
    });
  };
  if (int(units.size()) >= kUnitsAThread * pool_.threads() || pool_.threads() == 1) return run(units);

  // Too few for all threads: every split is a unit of its own, and the states are joined in order as one unit would.
  std::vector<AttendUnit> splits;
  const size_t state = PartialFloats(dim);
  size_t floats = 0;
  for (const AttendUnit& unit : units) {
    floats += size_t((unit.end_split - unit.first_split) * unit.positions * unit.heads) * state;
  }
  float* partial = Floats(partials_, floats);
  for (AttendUnit& unit : units) {
    unit.partial = partial;
    const size_t a_split = size_t(unit.positions * unit.heads) * state;
    for (int s = unit.first_split; s < unit.end_split; ++s, partial += a_split) {
      AttendUnit& split = splits.emplace_back(unit);
      split.first_split = s;
      split.end_split = s + 1;
      split.out = nullptr;
      split.partial = partial;
    }
  }
  run(splits);
  for (const AttendUnit& unit : units) {
    const size_t a_split = size_t(unit.positions * unit.heads) * state;
    for (int r = 0; r < unit.positions * unit.heads; ++r) {
      const int position = unit.first_position + r / unit.heads;
      const int first = FirstKey(position, unit.window) / kSplitKeys, seen = position / kSplitKeys + 1 - first;
      const float* part = unit.partial + size_t(first - unit.first_split) * a_split + size_t(r) * state;
      float* to = unit.out + size_t(r / unit.heads) * out_stride + size_t(r % unit.heads) * size_t(dim);
      table_.join_splits(part, a_split, seen, dim, to);
    }
  }
}

void Transformer::Attend(const AttentionWeights& w, const Rows& rows, const LayerCache& cache, const float* x,
                         float* y) {
  const int count = rows.count(), attended_features = w.heads * w.head_dim;
  std::vector<Product> products;
  Product::Add(products, *w.query_key);
  Product::Add(products, *w.value);
  const Inputs in = Normalise(*w.norm, w.norm_eps, count, x, NeedsDigits({w.query_key, w.value}));
  qkv_stride_ = size_t(PaddedDim(Outputs(*w.query_key) + Outputs(*w.value)) + kPanelRows);
  float* qkv = Floats(queries_keys_values_, size_t(count) * qkv_stride_);
  Multiply(products, in, [&](const Product& product, int panel, int first, int n, const float* tile, int) {
    const int valid = std::min(kPanelRows, product.matrix->outputs() - panel * kPanelRows);
    float* to = qkv + size_t(first) * qkv_stride_ + product.offset + panel * kPanelRows;
    for (int r = 0; r < n; ++r) CopyOutputs(tile + r * kPanelRows, valid, to + size_t(r) * qkv_stride_);
  });
  w.rotary->Reserve(*std::max_element(rows.positions.begin(), rows.positions.end()) + 1);
  ForRows(count, [&](int first, int end) { RotateAndAppend(w, rows, cache, first, end); });
  const size_t attended_stride = size_t(PaddedDim(attended_features));
  float* attended = Floats(attended_, size_t(count) * attended_stride);
  if (attended_stride != size_t(attended_features)) std::fill_n(attended, size_t(count) * attended_stride, 0.f);
  AttendRows(w, rows, cache);
  AddProduct(*w.output, Prepare(attended, attended_features, count, NeedsDigits({w.output})), w.output_norm, w.norm_eps,
             x, y);
}

void Transformer::AddProduct(const Matrices& matrices, const Inputs& in, const NormWeight* norm, float eps,
                             const float* x, float* y) {
  const size_t stride = size_t(matrices.front().padded_outputs());
  std::vector<Product> products;
  Product::Add(products, matrices);
  if (norm != nullptr) {
    float* all = Floats(product_, size_t(in.rows) * stride);
    Multiply(products, in, [&](const Product&, int panel, int first, int n, const float* tile, int) {
      for (int r = 0; r < n; ++r) {
        std::copy_n(tile + r * kPanelRows, kPanelRows, all + size_t(first + r) * stride + size_t(panel) * kPanelRows);
      }
    });
    return ForRows(in.rows, [&](int first, int end) {
      for (int r = first; r < end; ++r) {
        float* row = all + size_t(r) * stride;
        table_.rms_norm(row, norm->weight.data(), norm->features, eps, row);
        for (size_t i = 0; i < stride; ++i) y[size_t(r) * stride + i] = x[size_t(r) * stride + i] + row[i];
      }
    });
  }
  Multiply(products, in, [&](const Product&, int panel, int first, int n, const float* tile, int) {
    for (int r = 0; r < n; ++r) {
      const size_t at = size_t(first + r) * stride + size_t(panel) * kPanelRows;
      for (int i = 0; i < kPanelRows; ++i) y[at + size_t(i)] = x[at + size_t(i)] + tile[r * kPanelRows + i];
    }
  });
}

void Transformer::FeedForward(const FeedForwardWeights& w, int rows, const float* x, float* y) {
  const Inputs in = Normalise(*w.norm, w.norm_eps, rows, x, NeedsDigits({w.gate, w.up}));
  const PackedMatrix& up = w.up->front();
  const size_t stride = size_t(up.padded_outputs());
  float* gated = Floats(gated_, size_t(rows) * stride);
  const PackedMatrix& gate = w.gate->front();
  const auto activate = w.activation == Activation::kSilu ? table_.silu_multiply : table_.gelu_multiply;
  ForPanels(gate.panels(), in, [&](int first, int n, int begin, int end, int) {
    float gates[kChunkFloats], ups[kChunkFloats];
    MultiplyPanels(gate, begin, end, in, first, n, gates);
    MultiplyPanels(up, begin, end, in, first, n, ups);
    for (int p = begin; p < end; ++p) {
      float* tile = gates + size_t(p - begin) * PanelStride(n);
      activate(tile, ups + size_t(p - begin) * PanelStride(n), n * kPanelRows, tile);
      for (int r = 0; r < n; ++r) {
        std::copy_n(tile + r * kPanelRows, kPanelRows, gated + size_t(first + r) * stride + size_t(p) * kPanelRows);
      }
    }
  });
  AddProduct(*w.down, Prepare(gated, up.outputs(), rows, NeedsDigits({w.down})), w.output_norm, w.norm_eps, x, y);
}

void Transformer::Logits(const NormWeight& norm, float eps, const Matrices& head, int rows, const float* x,
                         float* logits) {
  const Inputs in = Normalise(norm, eps, rows, x, NeedsDigits({&head}));
  const size_t outputs = size_t(Outputs(head));
  std::vector<Product> products;
  Product::Add(products, head);
  Multiply(products, in, [&](const Product& product, int panel, int first, int n, const float* tile, int) {
    const int valid = std::min(kPanelRows, product.matrix->outputs() - panel * kPanelRows);
    for (int r = 0; r < n; ++r) {
      CopyOutputs(tile + r * kPanelRows, valid,
                  logits + size_t(first + r) * outputs + size_t(product.offset + panel * kPanelRows));
    }
  });
}

void Transformer::Best(const NormWeight& norm, float eps, const Matrices& head, int rows, const float* x,
                       int32_t* best) {
  const Inputs in = Normalise(norm, eps, rows, x, NeedsDigits({&head}));
  std::vector<Product> products;
  Product::Add(products, head);
  struct Candidate {
    float value = -std::numeric_limits<float>::infinity();
    int32_t index = -1;

    void Meet(const Candidate& other) {
      if (other.value > value || (other.value == value && other.index < index)) *this = other;
    }
  };
  // Outputs are compared while they are in reach: logits are never stored. Of equal ones the lower is taken, in whatever
  // order a thread meets them.
  std::vector<Candidate> candidates(size_t(pool_.threads()) * size_t(rows));
  Multiply(products, in, [&](const Product& product, int panel, int first, int n, const float* tile, int thread) {
    const int valid = std::min(kPanelRows, product.matrix->outputs() - panel * kPanelRows);
    Candidate* mine = candidates.data() + size_t(thread) * size_t(rows) + first;
    for (int r = 0; r < n; ++r, tile += kPanelRows) {
      bool any = false;
      for (int i = 0; i < kPanelRows; ++i) any |= tile[i] >= mine[r].value;
      if (!any) continue;
      for (int i = 0; i < valid; ++i) mine[r].Meet({tile[i], product.offset + panel * kPanelRows + i});
    }
  });
  for (int r = 0; r < rows; ++r) {
    Candidate all;
    for (int t = 0; t < pool_.threads(); ++t) {
      all.Meet(candidates[size_t(t) * size_t(rows) + size_t(r)]);
    }
    best[r] = all.index;
  }
}

}  // namespace resident::kernels
