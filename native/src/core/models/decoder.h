#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/config.h"
#include "core/ops.h"

namespace resident {

/** One weight that a decoder needs. The loader checks all of them against the files before it reads any. */
struct WeightSpec {
  enum class Kind { kLinear, kNorm };
  Kind kind;
  /** Module paths whose outputs follow each other; one for a norm. */
  std::vector<std::string> modules;
  std::vector<int> outputs;  // of each module; a norm's size
  int inputs;                // 0 for a norm
  bool bias;
};

/** One weight as it came from the loader: `linear` or `norm`, as its spec asked. */
struct LoadedWeight {
  std::unique_ptr<Linear> linear;
  std::optional<Tensor> norm;
};

/** Per layer one slab for K and one for V. */
struct Slabs {
  std::vector<Tensor> k, v;
};

/**
 * A pre-norm decoder with grouped-query attention, RoPE and a gated SiLU feed-forward: all families of
 * models/families.h. q and k are one matrix (rows of a quantised matrix are independent, so the results are the same
 * bits) and go through RoPE together; v stays apart, since a slice of a joint q-k-v would have to be copied before the
 * scatter.
 */
class Decoder {
 public:
  /** All weights in the order in which the constructor takes them. */
  static std::vector<WeightSpec> Weights(const ModelConfig& config);

  Decoder(const ModelConfig& config, const Ops& ops, std::vector<LoadedWeight> weights);

  /**
   * Builds the graph of one step over `slabs`; `next` gets the handles of the slabs with the rows' K and V in them.
   * Returns the last layer's output, [R, hidden]. Nothing is computed and `slabs` is not touched. Per layer all writes
   * come before all reads: a read of the old slab beside the write would force a copy of it.
   */
  Tensor Forward(const Ops& ops, const RowPlan& plan, const Slabs& slabs, Slabs& next) const;

  /** Logits [rows, vocab] of rows of Forward's result. */
  Tensor Logits(const Ops& ops, const Tensor& hidden) const;

 private:
  struct Layer {
    Tensor attention_norm, feed_forward_norm;
    std::unique_ptr<Linear> query_key, value, output, gate, up, down;
    std::optional<Tensor> query_norm, key_norm;
  };

  Tensor QueriesAndKeys(const Ops& ops, const Layer& layer, const Tensor& x, const Tensor& positions) const;

  ModelConfig config_;
  std::unique_ptr<Rope> rope_;
  std::unique_ptr<Linear> embedding_;
  std::unique_ptr<Linear> head_;  // empty: the embedding
  std::vector<Layer> layers_;
  std::optional<Tensor> norm_;
};

}  // namespace resident
