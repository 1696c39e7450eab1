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
  const StoredTensor* scales;  // scales and zeros: only where quantised
  const StoredTensor* zeros;
  const StoredTensor* bias;  // or nullptr

  /** Parts that can be stored as one matrix. */
  bool Joins(const Part& other) const {
    return quantization == other.quantization && weight->entry.dtype == other.weight->entry.dtype &&
           (scales == nullptr ||
            (scales->entry.dtype == other.scales->entry.dtype && zeros->entry.dtype == other.zeros->entry.dtype)) &&
           (bias == nullptr || bias->entry.dtype == other.bias->entry.dtype);
  }
  std::vector<const StoredTensor*> Stored() const {
    std::vector<const StoredTensor*> all{weight};
    for (const StoredTensor* tensor : {scales, zeros, bias}) {
      if (tensor != nullptr) all.push_back(tensor);
    }
    return all;
  }
};

struct WeightLoader::Weight {
  WeightSpec::Kind kind;
  std::vector<Part> parts;
};

WeightLoader::~WeightLoader() = default;

WeightLoader::WeightLoader(const Checkpoint& checkpoint, mx::Device device, const Ops& ops)
    : checkpoint_(checkpoint), device_(device), ops_(ops), digest_(checkpoint), activation_type_(DataType::kF32) {
  for (const WeightSpec& spec : Decoder::Weights(checkpoint.config())) {
    Weight weight{spec.kind, {}};
    if (spec.kind == WeightSpec::Kind::kNorm) {
      const StoredTensor& tensor = CheckFloats(spec.modules.front() + ".weight", {spec.outputs.front()});
      weight.parts.push_back({std::nullopt, &tensor, nullptr, nullptr, nullptr});
    } else {
      for (size_t i = 0; i < spec.modules.size(); ++i) weight.parts.push_back(CheckLinear(spec, i));
    }
    weights_.push_back(std::move(weight));
  }
  RefuseUnknownTensors();
  std::vector<DataType> matrices;  // the embedding's first
  for (const Weight& weight : weights_) {
    if (weight.kind == WeightSpec::Kind::kNorm) continue;
    for (const Part& part : weight.parts) matrices.push_back(*(part.scales ? part.scales : part.weight)->entry.dtype);
  }
  activation_type_ = ActivationType(checkpoint.config(), matrices, device_ == mx::Device::gpu);
  for (const Weight& weight : weights_) {
    uint64_t together = 0;
    for (const Part& part : weight.parts) {
      for (const StoredTensor* tensor : part.Stored()) {
        stored_bytes_ += tensor->entry.SizeBytes();
        loaded_bytes_ += LoadedBytes(*tensor, Casts(weight.kind, ops_, tensor == part.bias));
        together += tensor->entry.SizeBytes();
      }
    }
    largest_read_ = std::max(largest_read_, together);
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
  const int64_t outputs = spec.outputs[index], inputs = spec.inputs;
  Part part{};
  if (spec.bias) part.bias = &CheckFloats(module + ".bias", {outputs});
  // As mlx_lm: a matrix is quantised where it has scales; the config says how.
  if (checkpoint_.Find(module + ".scales") == nullptr) {
    part.weight = &CheckFloats(module + ".weight", {outputs, inputs});
    return part;
  }
  part.quantization = checkpoint_.config().QuantizationOf(module);
  if (!part.quantization) {
    throw TensorError(ErrorCode::kModelCorrupt, module + ".scales",
                      "is there, but the config does not say how it is quantised");
  }
  const auto [group_size, bits] = *part.quantization;
  if (inputs % group_size != 0) {
    throw TensorError(ErrorCode::kModelCorrupt, module + ".weight",
                      "cannot be cut into groups of " + std::to_string(group_size));
  }
  part.weight = &CheckTensor(module + ".weight", {outputs, inputs * bits / 32});
  if (part.weight->entry.dtype != DataType::kU32) {
    throw TensorError(ErrorCode::kModelCorrupt, module + ".weight", "is stored as " + part.weight->entry.dtype_name);
  }
  part.scales = &CheckFloats(module + ".scales", {outputs, inputs / group_size});
  part.zeros = &CheckFloats(module + ".biases", {outputs, inputs / group_size});
  return part;
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

uint64_t WeightLoader::LoadedBytes(const StoredTensor& tensor, bool cast) const {
  const DataType type = *tensor.entry.dtype;
  return tensor.entry.SizeBytes() / SizeOf(type) * SizeOf(cast && IsFloating(type) ? activation_type_ : type);
}

std::vector<LoadedWeight> WeightLoader::Load(const LoadHooks& hooks) {
  const auto promise =
      PromiseLedger::OfProcess().Grant(loaded_bytes_ + largest_read_, "the model", WorkingSetOf(device_));
  for (const auto& file : checkpoint_.files()) file->ReadOnce();
  std::vector<LoadedWeight> loaded;
  for (const Weight& weight : weights_) {
    LoadedWeight& next = loaded.emplace_back();
    if (weight.kind == WeightSpec::Kind::kNorm) {
      next.norm = ops_.PrepareNorm(ReadNorm(*weight.parts.front().weight, hooks));
    } else {
      next.linear = ops_.PrepareLinear(ReadMatrices(weight, hooks));
    }
  }
  digest_.AddRest([&] {
    if (hooks.cancelled()) throw AbortedError();
  });
  checkpoint_.RequireUnchanged();
  return loaded;
}

Tensor WeightLoader::ReadNorm(const StoredTensor& stored, const LoadHooks& hooks) {
  const Tensor weight = ReadRows({&stored}, true, hooks);
  if (!checkpoint_.config().norms_around_one) return weight;
  Tensor whole = mx::add(weight, Tensor(1.f, weight.dtype()), device_);
  mx::eval(whole);
  return whole;
}

std::vector<Matrix> WeightLoader::ReadMatrices(const Weight& weight, const LoadHooks& hooks) {
  std::vector<Matrix> matrices;
  for (size_t i = 0; i < weight.parts.size();) {
    size_t end = i + 1;
    while (end < weight.parts.size() && weight.parts[end].Joins(weight.parts[i])) ++end;
    const auto read = [&](const StoredTensor* Part::* member) -> std::optional<Tensor> {
      if (weight.parts[i].*member == nullptr) return std::nullopt;
      std::vector<const StoredTensor*> rows;
      for (size_t p = i; p < end; ++p) rows.push_back(weight.parts[p].*member);
      return ReadRows(rows, Casts(weight.kind, ops_, member == &Part::bias), hooks);
    };
    matrices.push_back({read(&Part::weight).value(), read(&Part::scales), read(&Part::zeros), read(&Part::bias),
                        weight.parts[i].quantization});
    i = end;
  }
  return matrices;
}

/** Tensors of one element type and row width, one below the other. */
Tensor WeightLoader::ReadRows(const std::vector<const StoredTensor*>& parts, bool cast, const LoadHooks& hooks) {
  const TensorEntry& first = parts.front()->entry;
  mx::Shape shape(first.shape.begin(), first.shape.end());
  uint64_t bytes = first.SizeBytes();
  for (size_t i = 1; i < parts.size(); ++i) {
    shape[0] += int(parts[i]->entry.shape[0]);
    bytes += parts[i]->entry.SizeBytes();
  }
  Tensor tensor(mx::allocator::malloc(bytes), shape, ToMlx(*first.dtype));
  std::byte* into = tensor.data<std::byte>();
  for (const StoredTensor* part : parts) {
    Hash128 hash;
    for (uint64_t from = 0; from < part->entry.SizeBytes(); from += kPieceBytes) {
      if (hooks.cancelled()) throw AbortedError();
      const uint64_t count = std::min(kPieceBytes, part->entry.SizeBytes() - from);
      const std::span<std::byte> piece(into + from, count);
      ReadStored(*part, from, piece);
      hash.Update(piece);
      read_bytes_ += count;
      hooks.progress(read_bytes_, stored_bytes_);
    }
    digest_.Add(*part, hash);
    into += part->entry.SizeBytes();
  }
  if (!cast || !IsFloating(*first.dtype) || *first.dtype == activation_type_) return tensor;
  Tensor converted = mx::astype(tensor, ToMlx(activation_type_), device_);
  mx::eval(converted);
  return converted;
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
    case DataType::kQ8:
      return mx::uint8;
  }
  return mx::float32;
}

}  // namespace resident
