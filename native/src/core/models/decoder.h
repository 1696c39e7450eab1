#pragma once
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/config.h"
#include "core/ops.h"

namespace resident {

/** Rows of a stored matrix, which has others too. */
struct RowSlice {
  int first, stored_rows;
};

/** One weight that a decoder needs. The loader checks all of them against the files before it reads any. */
struct WeightSpec {
  enum class Kind { kLinear, kNorm };
  Kind kind;
  /** Module paths whose outputs follow each other; one for a norm. */
  std::vector<std::string> modules;
  std::vector<int> outputs;  // of each module; a norm's size
  int inputs;                // 0 for a norm
  bool bias;
  /** Where one module holds several weights: which of its rows this one is. */
  std::optional<RowSlice> slice = std::nullopt;

  int StoredRows(size_t module) const { return slice ? slice->stored_rows : outputs[module]; }
};

/** One weight as it came from the loader: `linear` or `norm`, as its spec asked. */
struct LoadedWeight {
  std::unique_ptr<Linear> linear;
  std::unique_ptr<Norm> norm;
};

/** Per layer one slab for K and one for V. */
struct Slabs {
  std::vector<Tensor> k, v;
};

/**
 * A decoder with grouped-query attention, RoPE and a gated feed-forward: all families of
 * models/families.h. q and k are one matrix (rows of a quantised matrix are independent, so the results are the same
 * bits); v stays apart for back ends that cannot slice without a copy.
 */
class Decoder {
 public:
  /** All weights in the order in which the constructor takes them. */
  static std::vector<WeightSpec> Weights(const ModelConfig& config);

  Decoder(const ModelConfig& config, const Ops& ops, std::vector<LoadedWeight> weights);

  /**
   * Builds the graph of one step over `slabs`; `next` gets the handles of the slabs with the rows' K and V in them.
   * Returns the last layer's output, [R, hidden]. Nothing is computed and `slabs` is not touched.
   */
  Tensor Forward(const Ops& ops, const StepRows& rows, const Slabs& slabs, Slabs& next) const;

  /** Of the weights that a step reads for one token. */
  uint64_t step_weight_bytes() const;

  /** What makes logits of rows of Forward's result. */
  OutputLayer output() const;

 private:
  struct Layer {
    AttentionLayer attention;
    FeedForwardLayer feed_forward;
  };

  ModelConfig config_;
  std::unique_ptr<Rope> rope_, window_rope_;
  std::unique_ptr<Linear> embedding_;
  std::unique_ptr<Linear> head_;  // empty: the embedding
  std::vector<Layer> layers_;
  std::unique_ptr<Norm> norm_;
};

}  // namespace resident
