#include "core/loader.h"

#include <mlx/allocator.h>
#include <mlx/ops.h>
#include <mlx/transforms.h>

#include <algorithm>
#include <set>

#include "core/device.h"
#include "core/error.h"
#include "core/precision.h"
#include "core/promises.h"

namespace resident {
namespace {

Error TensorError(ErrorCode code, const std::string& name, const std::string& what) {
  return Error(code, "tensor " + name + " " + what, {{"tensor", name}});
}

/** Norms and biases become the type of the activations always, matrices where the back end wants them so. */
bool Casts(WeightSpec::Kind kind, const Ops& ops, bool is_bias) {
  return kind == WeightSpec::Kind::kNorm || is_bias || !ops.takes_stored_types();
}

std::string ShapeText(const std::vector<int64_t>& shape) {
  std::string text = "[";
  for (const int64_t size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

}  // namespace

struct WeightLoader::Part {
  std::optional<Quantization> quantization;
  const StoredTensor* weight;
  const StoredTensor* scales;  // only where quantised
  const StoredTensor* zeros;   // only in affine mode
  const StoredTensor* bias;    // or nullptr
  int64_t first_row, rows;     // of all of these

  /** Parts that can be stored as one matrix. */
  bool Joins(const Part& other) const {
    return quantization == other.quantization && weight->entry.dtype == other.weight->entry.dtype &&
           (scales == nullptr || scales->entry.dtype == other.scales->entry.dtype) &&
           (zeros == nullptr || zeros->entry.dtype == other.zeros->entry.dtype) &&
           (bias == nullptr || bias->entry.dtype == other.bias->entry.dtype);
  }
  std::vector<const StoredTensor*> Stored() const {
    std::vector<const StoredTensor*> all{weight};
    for (const StoredTensor* tensor : {scales, zeros, bias}) {
      if (tensor != nullptr) all.push_back(tensor);
    }
    return all;
  }
  bool IsSlice() const { return rows != weight->entry.shape[0]; }
  /** Of this part's rows of a tensor. */
  uint64_t StoredBytes(const StoredTensor& tensor) const {
    return tensor.entry.SizeBytes() / uint64_t(weight->entry.shape[0]) * uint64_t(rows);
  }
};

struct WeightLoader::Weight {
  WeightSpec::Kind kind;
  std::vector<Part> parts;
};

struct WeightLoader::Rows {
  const StoredTensor* tensor;
  int64_t first, count;

  uint64_t RowBytes() const { return tensor->entry.SizeBytes() / uint64_t(tensor->entry.shape[0]); }
  uint64_t bytes() const { return RowBytes() * uint64_t(count); }
};

WeightLoader::~WeightLoader() = default;

WeightLoader::WeightLoader(const Checkpoint& checkpoint, mx::Device device, const Ops& ops)
    : checkpoint_(checkpoint), device_(device), ops_(ops), digest_(checkpoint), activation_type_(DataType::kF32) {
  for (const WeightSpec& spec : Decoder::Weights(checkpoint.config())) {
    Weight weight{spec.kind, {}};
    if (spec.kind == WeightSpec::Kind::kNorm) {
      const StoredTensor& tensor = CheckFloats(spec.modules.front() + ".weight", {spec.outputs.front()});
      weight.parts.push_back({std::nullopt, &tensor, nullptr, nullptr, nullptr, 0, spec.outputs.front()});
    } else {
      for (size_t i = 0; i < spec.modules.size(); ++i) weight.parts.push_back(CheckLinear(spec, i));
    }
    weights_.push_back(std::move(weight));
  }
  RefuseUnknownTensors();
  ChooseActivationType();
  CountBytes();
}

void WeightLoader::ChooseActivationType() {
  std::vector<DataType> matrices;  // the embedding's first
  std::optional<DataType> norms;
  for (const Weight& weight : weights_) {
    const Part& part = weight.parts.front();
    if (weight.kind == WeightSpec::Kind::kNorm) {
      norms = norms.value_or(*part.weight->entry.dtype);
      continue;
    }
    for (const Part& each : weight.parts) matrices.push_back(*(each.scales ? each.scales : each.weight)->entry.dtype);
  }
  // Scales that are bytes say nothing: then it is the type of what is not quantised.
  for (DataType& type : matrices) type = IsFloating(type) ? type : norms.value_or(DataType::kF32);
  activation_type_ = ActivationType(checkpoint_.config(), matrices, device_ == mx::Device::gpu);
}

void WeightLoader::CountBytes() {
  uint64_t before = 0;
  for (const Weight& weight : weights_) {
    uint64_t together = 0;
    for (const Part& part : weight.parts) {
      for (const StoredTensor* tensor : part.Stored()) {
        stored_bytes_ += part.StoredBytes(*tensor);
        together += part.StoredBytes(*tensor) + (part.IsSlice() ? tensor->entry.SizeBytes() : 0);
      }
      loaded_bytes_ += LoadedBytes(part, weight.kind);
    }
    largest_read_ = std::max(largest_read_, before + together);
    before = together;
  }
}

const StoredTensor& WeightLoader::CheckTensor(const std::string& name, const std::vector<int64_t>& shape) const {
  const StoredTensor* tensor = checkpoint_.Find(name);
  if (tensor == nullptr) throw TensorError(ErrorCode::kModelIncomplete, name, "is missing");
  if (!tensor->entry.dtype) {
    throw TensorError(ErrorCode::kModelUnsupported, name, "is stored as " + tensor->entry.dtype_name);
  }
  if (tensor->entry.shape != shape) {
    throw TensorError(ErrorCode::kModelCorrupt, name,
                      "is " + ShapeText(tensor->entry.shape) + " and the config asks for " + ShapeText(shape));
  }
  return *tensor;
}

const StoredTensor& WeightLoader::CheckFloats(const std::string& name, const std::vector<int64_t>& shape) const {
  const StoredTensor& tensor = CheckTensor(name, shape);
  if (!IsFloating(*tensor.entry.dtype)) {
    throw TensorError(ErrorCode::kModelCorrupt, name, "is stored as " + tensor.entry.dtype_name);
  }
  return tensor;
}

WeightLoader::Part WeightLoader::CheckLinear(const WeightSpec& spec, size_t index) const {
  const std::string& module = spec.modules[index];
  const int64_t stored_rows = spec.StoredRows(index), inputs = spec.inputs;
  Part part{};
  part.first_row = spec.slice ? spec.slice->first : 0;
  part.rows = spec.outputs[index];
  if (spec.bias) part.bias = &CheckFloats(module + ".bias", {stored_rows});
  // As mlx_lm: a matrix is quantised where it has scales.
  if (checkpoint_.Find(module + ".scales") == nullptr) {
    part.weight = &CheckFloats(module + ".weight", {stored_rows, inputs});
  } else {
    CheckQuantised(module, stored_rows, inputs, part);
  }
  return part;
}

void WeightLoader::CheckQuantised(const std::string& module, int64_t outputs, int64_t inputs, Part& part) const {
  const Quantization format = FormatOf(module, inputs);
  if (inputs % format.group_size != 0) {
    throw TensorError(ErrorCode::kModelCorrupt, module + ".weight",
                      "cannot be cut into groups of " + std::to_string(format.group_size));
  }
  part.quantization = format;
  part.weight = &CheckTensor(module + ".weight", {outputs, inputs * format.bits / 32});
  const std::vector<int64_t> groups{outputs, inputs / format.group_size};
  if (format.affine()) {
    part.scales = &CheckFloats(module + ".scales", groups);
    part.zeros = &CheckFloats(module + ".biases", groups);
  } else {
    part.scales = &CheckTensor(module + ".scales", groups);
  }
  const bool bytes = part.scales->entry.dtype == DataType::kU8;
  if (part.weight->entry.dtype != DataType::kU32 || (!format.affine() && !bytes)) {
    throw TensorError(ErrorCode::kModelCorrupt, module + ".weight", "is not stored as its scales are");
  }
}

/** As mlx_lm: what the config says of this matrix, else what the shapes say. */
Quantization WeightLoader::FormatOf(const std::string& module, int64_t inputs) const {
  const auto& said = checkpoint_.config().quantizations;
  if (const auto found = said.find(module); found != said.end()) return found->second;
  const StoredTensor* weight = checkpoint_.Find(module + ".weight");
  if (weight == nullptr) throw TensorError(ErrorCode::kModelIncomplete, module + ".weight", "is missing");
  const TensorEntry& scales = checkpoint_.Find(module + ".scales")->entry;
  const auto columns = [](const TensorEntry& entry) { return entry.shape.size() == 2 ? entry.shape[1] : 0; };
  if (columns(weight->entry) == 0 || columns(scales) == 0) {
    throw TensorError(ErrorCode::kModelCorrupt, module + ".weight", "is " + ShapeText(weight->entry.shape));
  }
  Quantization format{int(inputs / columns(scales)), int(columns(weight->entry) * 32 / inputs)};
  if (scales.dtype == DataType::kU8) {
    format.mode = format.bits == 8          ? QuantMode::kMxfp8
                  : format.group_size == 16 ? QuantMode::kNvfp4
                                            : QuantMode::kMxfp4;
  }
  if (const std::string unknown = WhatIsUnknown(format); !unknown.empty()) {
    throw TensorError(ErrorCode::kModelUnsupported, module + ".weight", "is quantised " + unknown);
  }
  return format;
}

void WeightLoader::RefuseUnknownTensors() const {
  std::set<std::string> known;
  for (const WeightSpec& spec : Decoder::Weights(checkpoint_.config())) {
    for (const std::string& module : spec.modules) {
      for (const char* name : {".weight", ".scales", ".biases"}) known.insert(module + name);
      if (spec.bias) known.insert(module + ".bias");
    }
  }
  for (const auto& [name, tensor] : checkpoint_.tensors()) {
    // As mlx_lm: tables that are computed anyway, and the copy of a tied head.
    const bool ignored = name.ends_with("rotary_emb.inv_freq") || name.starts_with("lm_head.");
    if (!ignored && !known.contains(name)) {
      throw TensorError(ErrorCode::kModelUnsupported, name, "has no place in a " + checkpoint_.config().architecture);
    }
  }
}

uint64_t WeightLoader::LoadedBytes(const Part& part, WeightSpec::Kind kind) const {
  const auto floats = [&](const StoredTensor& tensor, bool cast) {
    const DataType type = *tensor.entry.dtype;
    return part.StoredBytes(tensor) / SizeOf(type) * SizeOf(cast && IsFloating(type) ? activation_type_ : type);
  };
  const uint64_t bias = part.bias == nullptr ? 0 : floats(*part.bias, true);
  if (!part.quantization) return floats(*part.weight, Casts(kind, ops_, false)) + bias;
  const DataType scales = *part.scales->entry.dtype;
  const uint64_t inputs = uint64_t(part.weight->entry.shape[1]) * 32 / uint64_t(part.quantization->bits);
  const DataType type = Casts(kind, ops_, false) && IsFloating(scales) ? activation_type_ : scales;
  return ops_.PreparedBytes(*part.quantization, uint64_t(part.rows), inputs, type) + bias;
}

/** Some of its bytes may still be on their way. */
struct WeightLoader::PendingTensor {
  struct Slice {
    Rows rows;
    std::byte* into;
  };
  Tensor tensor;
  std::vector<Slice> slices{};  // of shared tensors, to be copied
  bool cast = false;
};

struct WeightLoader::PendingMatrix {
  PendingTensor weight;
  std::optional<PendingTensor> scales, zeros, bias;
  std::optional<Quantization> quantization;
};

struct WeightLoader::PendingWeight {
  std::vector<PendingMatrix> matrices{};
  std::optional<PendingTensor> norm{};
  uint64_t jobs = 0;  // of the reader, once they are done all bytes are there
};

std::vector<LoadedWeight> WeightLoader::Load(const LoadHooks& hooks) {
  const auto promise =
      PromiseLedger::OfProcess().Grant(loaded_bytes_ + largest_read_, "the model", WorkingSetOf(device_));
  for (const auto& file : checkpoint_.files()) file->ReadOnce();
  const auto tell = [&] { hooks.progress(read_bytes_, stored_bytes_); };
  std::vector<LoadedWeight> loaded;
  std::optional<PendingWeight> next;
  // The last to be made, so that it ends before what it reads into goes.
  ReadThread reader;
  for (size_t i = 0; i < weights_.size(); ++i) {
    PendingWeight now = next ? std::move(*next) : Begin(weights_[i], reader, hooks);
    next.reset();
    if (i + 1 < weights_.size()) next = Begin(weights_[i + 1], reader, hooks);
    reader.WaitFor(now.jobs, tell);
    loaded.push_back(Finish(std::move(now)));
  }
  tell();
  digest_.AddRest([&] {
    if (hooks.cancelled()) throw AbortedError();
  });
  checkpoint_.RequireUnchanged();
  return loaded;
}

WeightLoader::PendingWeight WeightLoader::Begin(const Weight& weight, ReadThread& reader, const LoadHooks& hooks) {
  PendingWeight pending;
  if (weight.kind == WeightSpec::Kind::kNorm) {
    const StoredTensor& stored = *weight.parts.front().weight;
    pending.norm = BeginRows({{&stored, 0, stored.entry.shape[0]}}, true, reader, hooks);
  }
  for (size_t i = 0; !pending.norm && i < weight.parts.size();) {
    size_t end = i + 1;
    while (end < weight.parts.size() && weight.parts[end].Joins(weight.parts[i])) ++end;
    const auto read = [&](const StoredTensor* Part::* member) -> std::optional<PendingTensor> {
      if (weight.parts[i].*member == nullptr) return std::nullopt;
      std::vector<Rows> rows;
      for (size_t p = i; p < end; ++p) {
        rows.push_back({weight.parts[p].*member, weight.parts[p].first_row, weight.parts[p].rows});
      }
      return BeginRows(rows, Casts(weight.kind, ops_, member == &Part::bias), reader, hooks);
    };
    pending.matrices.push_back({read(&Part::weight).value(), read(&Part::scales), read(&Part::zeros), read(&Part::bias),
                                weight.parts[i].quantization});
    i = end;
  }
  pending.jobs = reader.Add([] {});
  return pending;
}

/** Rows of one element type and width, one below the other. */
WeightLoader::PendingTensor WeightLoader::BeginRows(const std::vector<Rows>& parts, bool cast, ReadThread& reader,
                                                    const LoadHooks& hooks) {
  const TensorEntry& first = parts.front().tensor->entry;
  mx::Shape shape(first.shape.begin(), first.shape.end());
  uint64_t bytes = 0;
  shape[0] = 0;
  for (const Rows& part : parts) {
    shape[0] += int(part.count);
    bytes += part.bytes();
  }
  PendingTensor pending{Tensor(mx::allocator::malloc(bytes), shape, ToMlx(*first.dtype))};
  pending.cast = cast && IsFloating(*first.dtype) && *first.dtype != activation_type_;
  std::byte* into = pending.tensor.data<std::byte>();
  const auto add = [&](const StoredTensor* tensor, std::byte* to) {
    reader.Add([this, tensor, to, &reader, &hooks] { ReadWhole(*tensor, to, reader, hooks); });
  };
  for (const Rows& part : parts) {
    if (part.count == part.tensor->entry.shape[0]) {
      add(part.tensor, into);
    } else {
      const auto [found, fresh] = shared_.try_emplace(part.tensor);
      SharedBytes& shared = found->second;
      if (fresh) {
        shared = {std::vector<std::byte>(part.tensor->entry.SizeBytes()), part.tensor->entry.shape[0]};
        add(part.tensor, shared.bytes.data());
      }
      pending.slices.push_back({part, into});
    }
    into += part.bytes();
  }
  return pending;
}

LoadedWeight WeightLoader::Finish(PendingWeight pending) {
  LoadedWeight loaded;
  if (pending.norm) {
    Tensor weight = FinishRows(std::move(*pending.norm));
    if (checkpoint_.config().norms_around_one) {
      weight = mx::add(weight, Tensor(1.f, weight.dtype()), device_);
      mx::eval(weight);
    }
    loaded.norm = ops_.PrepareNorm(std::move(weight));
    return loaded;
  }
  const auto finish = [&](std::optional<PendingTensor>& tensor) -> std::optional<Tensor> {
    return tensor ? std::optional(FinishRows(std::move(*tensor))) : std::nullopt;
  };
  std::vector<Matrix> matrices;
  for (PendingMatrix& matrix : pending.matrices) {
    matrices.push_back({FinishRows(std::move(matrix.weight)), finish(matrix.scales), finish(matrix.zeros),
                        finish(matrix.bias), matrix.quantization, ToMlx(activation_type_)});
  }
  pending.matrices.clear();
  loaded.linear = ops_.PrepareLinear(std::move(matrices));
  return loaded;
}

Tensor WeightLoader::FinishRows(PendingTensor pending) {
  for (const PendingTensor::Slice& slice : pending.slices) CopyShared(slice.rows, slice.into);
  if (!pending.cast) return std::move(pending.tensor);
  Tensor converted = mx::astype(pending.tensor, ToMlx(activation_type_), device_);
  mx::eval(converted);
  return converted;
}

void WeightLoader::ReadWhole(const StoredTensor& stored, std::byte* into, ReadThread& reader, const LoadHooks& hooks) {
  Hash128 hash;
  for (uint64_t from = 0; from < stored.entry.SizeBytes(); from += kPieceBytes) {
    if (hooks.cancelled()) throw AbortedError();
    const uint64_t count = std::min(kPieceBytes, stored.entry.SizeBytes() - from);
    const std::span<std::byte> piece(into + from, count);
    ReadStored(stored, from, piece);
    hash.Update(piece);
    read_bytes_ += count;
    reader.Tell();
  }
  digest_.Add(stored, hash);
}

void WeightLoader::CopyShared(const Rows& rows, std::byte* into) {
  const auto found = shared_.find(rows.tensor);
  SharedBytes& shared = found->second;
  const uint64_t from = rows.RowBytes() * uint64_t(rows.first);
  std::copy_n(shared.bytes.begin() + std::ptrdiff_t(from), rows.bytes(), into);
  shared.rows_left -= rows.count;
  if (shared.rows_left == 0) shared_.erase(found);
}

mx::Dtype ToMlx(DataType type) {
  switch (type) {
    case DataType::kF32:
      return mx::float32;
    case DataType::kF16:
      return mx::float16;
    case DataType::kBF16:
      return mx::bfloat16;
    case DataType::kU32:
      return mx::uint32;
    case DataType::kU8:
    case DataType::kQ8:
      return mx::uint8;
  }
  return mx::float32;
}

}  // namespace resident
