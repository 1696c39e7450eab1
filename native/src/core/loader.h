#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "core/checkpoint.h"
#include "core/models/decoder.h"
#include "core/ops.h"
#include "core/read_thread.h"
#include "core/weight_digest.h"

namespace resident {

/** Called between pieces of a load. `cancelled` true ends it with ABORTED. */
struct LoadHooks {
  std::function<void(uint64_t bytes_read, uint64_t bytes_total)> progress;
  std::function<bool()> cancelled;  // also on the thread that reads
};

/** A stored tensor's bytes, and how many of its rows have not been taken yet. */
struct SharedBytes {
  std::vector<std::byte> bytes;
  int64_t rows_left = 0;
};

/** Names, shapes, element types and quantisation of every weight, checked before anything is allocated. */
class WeightLoader {
 public:
  /** Throws MODEL_INCOMPLETE, MODEL_CORRUPT or MODEL_UNSUPPORTED, naming the tensor. */
  WeightLoader(const Checkpoint& checkpoint, mx::Device device, const Ops& ops);

  /** What activations, K and V are computed in (precision.h). */
  DataType activation_type() const { return activation_type_; }
  /** Bytes of all weights once loaded. */
  uint64_t loaded_bytes() const { return loaded_bytes_; }

  /**
   * Reads and hashes everything. Throws OUT_OF_MEMORY before the first allocation, ABORTED between two pieces, and
   * MODEL_CORRUPT where a file was changed meanwhile.
   */
  std::vector<LoadedWeight> Load(const LoadHooks& hooks);
  /** Of all that was read, once it is loaded. */
  const WeightDigest& digest() const { return digest_; }

 private:
  struct Part;    // one module: where its tensors are stored
  struct Weight;  // one spec and its parts
  struct Rows;    // of a stored tensor

  Part CheckLinear(const WeightSpec& spec, size_t index) const;
  void CheckQuantised(const std::string& module, int64_t outputs, int64_t inputs, Part& part) const;
  Quantization FormatOf(const std::string& module, int64_t inputs) const;
  const StoredTensor& CheckFloats(const std::string& name, const std::vector<int64_t>& shape) const;
  const StoredTensor& CheckTensor(const std::string& name, const std::vector<int64_t>& shape) const;
  void RefuseUnknownTensors() const;
  void ChooseActivationType();
  void CountBytes();
  uint64_t LoadedBytes(const Part& part, WeightSpec::Kind kind) const;

  struct PendingTensor;  // one that is being read
  struct PendingMatrix;
  struct PendingWeight;

  PendingWeight Begin(const Weight& weight, ReadThread& reader, const LoadHooks& hooks);
  PendingTensor BeginRows(const std::vector<Rows>& parts, bool cast, ReadThread& reader, const LoadHooks& hooks);
  LoadedWeight Finish(PendingWeight pending);
  Tensor FinishRows(PendingTensor pending);
  /** On the reader's thread. */
  void ReadWhole(const StoredTensor& stored, std::byte* into, ReadThread& reader, const LoadHooks& hooks);
  void CopyShared(const Rows& rows, std::byte* into);

  const Checkpoint& checkpoint_;
  mx::Device device_;
  const Ops& ops_;
  std::vector<Weight> weights_;
  /** Tensors whose rows belong to several weights: read once, kept until the last of them is made. */
  std::map<const StoredTensor*, SharedBytes> shared_;
  WeightDigest digest_;
  DataType activation_type_;
  uint64_t loaded_bytes_ = 0, stored_bytes_ = 0;
  /** Of a weight and the one behind it: that is read while this one is prepared. */
  uint64_t largest_read_ = 0;
  std::atomic<uint64_t> read_bytes_ = 0;

 public:
  ~WeightLoader();
};

mx::Dtype ToMlx(DataType type);

}  // namespace resident
