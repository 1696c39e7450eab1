#include "kernels/paged_attention.h"

#include <cstring>

namespace resident::kernels {
namespace {

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

/** K and V of some rows' head in 8 bits; `keys` and `values` are the first row's, of all heads. */
void AppendQuantised(const KernelTable& table, const QuantisedLayout& layout, int head, std::span<const Slot> slots,
                     const LayerCache& cache, const float* keys, const float* values, size_t stride) {
  const int dim = layout.head_dim, groups = CacheGroups(dim);
  const size_t tokens = size_t(layout.block_tokens), at = size_t(head) * size_t(dim);
  auto *k = static_cast<std::byte*>(cache.k), *v = static_cast<std::byte*>(cache.v);
  int8_t rows[kMostChunkRows][kMaxHeadDim];
  int8_t* columns[kMostChunkRows];
  uint16_t scales[CacheGroups(kMaxHeadDim)];
  for (size_t r = 0; r < slots.size(); ++r) {
    const Slot& slot = slots[r];
    table.quantise_head(keys + r * stride + at, dim, rows[r], scales);
    StoreScales(scales, groups, layout, slot, head, k);
    columns[r] = reinterpret_cast<int8_t*>(k + layout.Values(slot.block, head)) + slot.offset;
    std::byte* to = v + layout.Values(slot.block, head) + size_t(slot.offset) * size_t(dim);
    table.quantise_head(values + r * stride + at, dim, reinterpret_cast<int8_t*>(to), scales);
    StoreScales(scales, groups, layout, slot, head, v);
  }
  for (int d = 0; d < dim; ++d) {
    for (size_t r = 0; r < slots.size(); ++r) columns[r][size_t(d) * tokens] = rows[r][d];
  }
}

/** How many blocks from the first one on both tables have, of `most`. */
int SameBlocks(const int32_t* a, const int32_t* b, int most) {
  int same = 0;
  while (same < most && a[same] == b[same]) ++same;
  return same;
}

}  // namespace

std::vector<SharedPrefix> SharedPrefixes(const AttentionWeights& w, const Rows& rows) {
  std::vector<SharedPrefix> all;
  if (w.window != 0) return all;
  const int most = kUnitRows / UnitHeads(w.heads, w.kv_heads);
  const std::vector<SequenceRows>& sequences = rows.sequences;
  const auto all_splits = [](const SequenceRows& sequence) { return sequence.start / kSplitKeys + 1; };
  // Whole splits of whole blocks that both see, own tokens left out.
  const auto same_splits = [&](const SequenceRows& a, const SequenceRows& b) {
    const int blocks = std::min(a.start, b.start) / rows.block_tokens;
    return SameBlocks(a.table, b.table, blocks) * rows.block_tokens / kSplitKeys;
  };
  for (int i = 0, next = 0; i < int(sequences.size()); i = next) {
    const SequenceRows& first = sequences[size_t(i)];
    SharedPrefix prefix{i, 1, all_splits(first)};
    int longest = all_splits(first);
    for (next = i + 1; next < int(sequences.size()) && prefix.count < most; ++next, ++prefix.count) {
      const SequenceRows& other = sequences[size_t(next)];
      if (first.rows != 1 || other.rows != 1) break;
      const int splits = std::min(prefix.splits, same_splits(first, other));
      const int of_all = std::max(longest, all_splits(other));
      if (splits == 0 || 2 * splits < of_all) break;
      prefix.splits = splits;
      longest = of_all;
    }
    if (prefix.count > 1) all.push_back(prefix);
  }
  return all;
}

PagedAttention::QkvRows PagedAttention::Reserve(const AttentionWeights& w, int count) {
  // One panel more: a matrix' last one may be written beyond its outputs.
  const size_t stride = size_t(PaddedDim(Outputs(*w.query_key) + Outputs(*w.value)) + kPanelRows);
  qkv_ = {queries_keys_values_.ReserveFloats(size_t(count) * stride), stride};
  return qkv_;
}

const float* PagedAttention::Attend(const AttentionWeights& w, const Rows& rows, const LayerCache& cache) {
  const int count = rows.count(), features = w.heads * w.head_dim;
  for (const SequenceRows& sequence : rows.sequences) {
    if (w.rotary != nullptr) w.rotary->Reserve(sequence.start, sequence.start + sequence.rows);
  }
  const size_t floats = size_t(count) * size_t(PaddedDim(features));
  float* attended = attended_.ReserveFloats(floats);  // norms use it before
  multiplier_.ForRows(count, [&](int first, int end) { RotateAndAppend(w, rows, cache, first, end); });
  if (features != PaddedDim(features)) std::fill_n(attended, floats, 0.f);
  const CacheView view{cache.k, cache.v, cache.type, w.kv_heads, w.head_dim, rows.block_tokens};
  std::vector<AttendUnit> units = UnitsOf(w, rows, view, attended);
  const int threads = multiplier_.pool().threads();
  const bool whole = int(units.size()) >= kUnitsAThread * threads || threads == 1;
  const std::vector<SharedPrefix> prefixes = SharedPrefixes(w, rows);
  if (whole && prefixes.empty()) {
    AttendUnits(units);
    return attended;
  }
  // Units of prefixes are computed split by split; the others too where units are few.
  std::vector<AttendUnit> others;
  std::vector<UnitGroup> groups;
  auto prefix = prefixes.begin();
  size_t unit = 0;
  for (int i = 0; i < int(rows.sequences.size());) {
    const bool shares = prefix != prefixes.end() && i == prefix->first;
    const size_t own = UnitsOfRows(w, rows.sequences[size_t(i)].rows);
    for (size_t u = unit; u < unit + own; ++u) {
      if (shares) {
        groups.push_back({u, prefix->count, own, prefix->splits});
      } else if (whole) {
        others.push_back(units[u]);
      } else {
        groups.push_back({u});
      }
    }
    const int sequences = shares ? (prefix++)->count : 1;
    unit += size_t(sequences) * own;
    i += sequences;
  }
  if (!others.empty()) AttendUnits(others);
  AttendSplits(units, groups);
  return attended;
}

/** `at` is the first of the heads, here and below; `scratch` holds a norm's width, padded. */
void PagedAttention::NormHeads(const AttentionWeights& w, int heads, const NormWeight& norm, float* at,
                               float* scratch) {
  const int norms = w.joint_norms ? 1 : heads, dim = NormWidth(w, heads);
  for (int i = 0; i < norms; ++i, at += dim) {
    std::fill(std::copy_n(at, dim, scratch), scratch + PaddedDim(dim), 0.f);
    table_.rms_norm(scratch, norm.weight.data(), dim, w.norm_eps, scratch);
    std::copy_n(scratch, dim, at);
  }
}

void PagedAttention::Rotate(const AttentionWeights& w, int position, int heads, float* at) {
  const int pairs = w.rotary->pairs();
  const float *cosines = w.rotary->Cosines(position), *sines = w.rotary->Sines(position);
  for (int h = 0; h < heads; ++h, at += w.head_dim) {
    if (w.rotary->magnitude() != 1) std::for_each(at, at + 2 * pairs, [&](float& v) { v *= w.rotary->magnitude(); });
    if (w.rotary->traditional()) {
      RotatePairs(at, pairs, cosines, sines);
    } else {
      table_.rotate_halves(at, pairs, cosines, sines);
    }
  }
}

void PagedAttention::RotateAndAppend(const AttentionWeights& w, const Rows& rows, const LayerCache& cache, int first,
                                     int end) {
  const int dim = w.head_dim;
  const size_t stride = qkv_.stride, tokens = size_t(rows.block_tokens), keys = size_t(w.heads) * size_t(dim);
  const size_t values = keys + size_t(w.kv_heads) * size_t(dim);
  float* const row = qkv_.x + size_t(first) * stride;
  for (int r = first; r < end; ++r) {
    float* at = qkv_.x + size_t(r) * stride;
    const int position = rows.positions[size_t(r)];
    if (w.query_norm != nullptr) {
      float* const scratch =
          reinterpret_cast<float*>(attended_.data()) + size_t(r) * size_t(PaddedDim(w.heads * w.head_dim));
      NormHeads(w, w.heads, *w.query_norm, at, scratch);
      NormHeads(w, w.kv_heads, *w.key_norm, at + keys, scratch);
    }
    // Queries and keys follow each other.
    if (w.rotary != nullptr) Rotate(w, position, w.heads + w.kv_heads, at);
    if (w.position_scale.beta != 0) {
      const float factor = PositionFactor(w.position_scale, position);
      std::for_each(at, at + keys, [&](float& query) { query *= factor; });
    }
  }
  // Neighbouring rows go to neighbouring tokens of K, which is stored transposed: rows are the inner loop.
  const std::span slots(rows.slots.data() + first, size_t(end - first));
  if (cache.type == FloatType::kQ8) {
    const QuantisedLayout layout{w.kv_heads, dim, rows.block_tokens};
    for (int h = 0; h < w.kv_heads; ++h) {
      AppendQuantised(table_, layout, h, slots, cache, row + keys, row + values, stride);
    }
    return;
  }
  const auto head_of = [&](const Slot& slot, int h) { return size_t(slot.block) * size_t(w.kv_heads) + size_t(h); };
  for (int h = 0; h < w.kv_heads; ++h) {
    for (int d = 0; d < dim; ++d) {
      const float* from = row + keys + size_t(h * dim + d);
      for (const Slot& slot : slots) {
        const size_t to = (head_of(slot, h) * size_t(dim) + size_t(d)) * tokens + size_t(slot.offset);
        StoreCached(cache.type, cache.k, to, *from);
        from += stride;
      }
    }
    const float* from = row + values + size_t(h * dim);
    for (const Slot& slot : slots) {
      const size_t to = (head_of(slot, h) * tokens + size_t(slot.offset)) * size_t(dim);
      for (int d = 0; d < dim; ++d) StoreCached(cache.type, cache.v, to + size_t(d), from[d]);
      from += stride;
    }
  }
}

/** As many as UnitsOf makes of a sequence. */
size_t PagedAttention::UnitsOfRows(const AttentionWeights& w, int rows) {
  const int group = w.heads / w.kv_heads, heads = UnitHeads(w.heads, w.kv_heads);
  const int positions = UnitPositions(w.heads, w.kv_heads);
  return size_t((rows + positions - 1) / positions * w.kv_heads * ((group + heads - 1) / heads));
}

std::vector<AttendUnit> PagedAttention::UnitsOf(const AttentionWeights& w, const Rows& rows, const CacheView& view,
                                                float* out) const {
  const int dim = w.head_dim, group = w.heads / w.kv_heads, a_unit = UnitHeads(w.heads, w.kv_heads);
  const size_t out_stride = size_t(PaddedDim(w.heads * dim));
  std::vector<AttendUnit> units;
  for (const SequenceRows& sequence : rows.sequences) {
    const int positions = UnitPositions(w.heads, w.kv_heads);
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
                           .queries = qkv_.x + size_t(row) * qkv_.stride + at,
                           .query_stride = qkv_.stride,
                           .scale = w.scale,
                           .window = w.window,
                           .first_split = FirstKey(sequence.start + first, w.window) / kSplitKeys,
                           .end_split = (sequence.start + end - 1) / kSplitKeys + 1,
                           .out = out + size_t(row) * out_stride + at,
                           .out_stride = out_stride,
                           .partial = nullptr,
                           .scratch = nullptr,
                           .next = nullptr});
        }
      }
    }
  }
  return units;
}

void PagedAttention::AttendUnits(std::vector<AttendUnit>& units) {
  ThreadPool& pool = multiplier_.pool();
  const size_t a_thread = AttendScratchFloats(units.front().cache->head_dim);
  float* scratch = scratch_.ReserveFloats(a_thread * size_t(pool.threads()));
  // Threads that take turns at one sequence's splits read neighbouring memory, which is the faster way to stream it.
  const bool whole = units.front().out != nullptr;
  const auto attend = [&](int i, int thread) {
    AttendUnit& unit = units[size_t(i)];
    unit.scratch = scratch + a_thread * size_t(thread);
    unit.next = whole && size_t(i) + 1 < units.size() ? &units[size_t(i) + 1] : nullptr;
    table_.attend(unit);
  };
  pool.Run(int(units.size()), attend, whole ? ThreadPool::Order::kOwnFirst : ThreadPool::Order::kOfAll);
}

/**
 * The states of all splits, which are then joined in order, as one unit would. In its shared splits a group is one
 * unit, whose rows stand where they see all of them.
 */
void PagedAttention::AttendSplits(std::vector<AttendUnit>& units, const std::vector<UnitGroup>& groups) {
  const int dim = units.front().cache->head_dim;
  const size_t state = PartialFloats(dim);
  const auto of_unit = [&](const UnitGroup& group, int i) -> AttendUnit& {
    return units[group.first + size_t(i) * group.step];
  };
  // From one row's states of a split to the next split's: those of the whole group lie side by side.
  const auto a_unit = [&](const AttendUnit& unit) { return size_t(unit.positions * unit.heads) * state; };
  const auto stride = [&](const UnitGroup& group) { return size_t(group.units) * a_unit(units[group.first]); };
  const auto splits_of = [&](const UnitGroup& group) {
    int most = 0;
    for (int i = 0; i < group.units; ++i) {
      most = std::max(most, of_unit(group, i).end_split - of_unit(group, i).first_split);
    }
    return size_t(most);
  };
  size_t floats = 0;
  for (const UnitGroup& group : groups) floats += splits_of(group) * stride(group);
  float* partial = partials_.ReserveFloats(floats);
  int end = 0;
  for (const UnitGroup& group : groups) {
    for (int i = 0; i < group.units; ++i) {
      AttendUnit& unit = of_unit(group, i);
      unit.partial = partial + size_t(i) * a_unit(unit);
      end = std::max(end, unit.end_split);
    }
    partial += splits_of(group) * stride(group);
  }
  // Units that read the same keys follow each other.
  std::vector<AttendUnit> splits;
  const auto add = [&](const AttendUnit& unit, int s, size_t split_stride) -> AttendUnit& {
    AttendUnit& split = splits.emplace_back(unit);
    split.first_split = s;
    split.end_split = s + 1;
    split.out = nullptr;
    split.partial += size_t(s - unit.first_split) * split_stride;
    return split;
  };
  for (int s = 0; s < end; ++s) {
    for (const UnitGroup& group : groups) {
      if (s < group.shared_splits) {
        AttendUnit& all = add(units[group.first], s, stride(group));
        all.positions = group.units;
        all.first_position = group.shared_splits * kSplitKeys;
        continue;
      }
      for (int i = 0; i < group.units; ++i) {
        const AttendUnit& unit = of_unit(group, i);
        if (s >= unit.first_split && s < unit.end_split) add(unit, s, stride(group));
      }
    }
  }
  AttendUnits(splits);
  multiplier_.pool().Run(int(groups.size()), [&](int g, int) {
    const UnitGroup& group = groups[size_t(g)];
    for (int i = 0; i < group.units; ++i) {
      const AttendUnit& unit = of_unit(group, i);
      for (int r = 0; r < unit.positions * unit.heads; ++r) {
        const int position = unit.first_position + r / unit.heads;
        const int first = FirstKey(position, unit.window) / kSplitKeys, seen = position / kSplitKeys + 1 - first;
        const float* part = unit.partial + size_t(first - unit.first_split) * stride(group) + size_t(r) * state;
        float* out = unit.out + size_t(r / unit.heads) * unit.out_stride + size_t(r % unit.heads) * size_t(dim);
        table_.join_splits(part, stride(group), seen, dim, out);
      }
    }
  });
}

}  // namespace resident::kernels
