import type { ModelFacts } from "./modelFacts";

/** One stored weight that a decoder needs. `inputs` undefined: a norm of so many `outputs`. */
export interface WeightSpec {
  readonly module: string;
  readonly outputs: number;
  readonly inputs?: number;
  readonly bias: boolean;
}

/** In the order in which the loader checks them (native/src/core/models/decoder.cc). */
export function* weightSpecs(facts: ModelFacts, tied: boolean): Generator<WeightSpec> {
  const { hiddenSize, vocabSize } = facts;
  yield linear("model.embed_tokens", vocabSize, hiddenSize, false);
  for (let layer = 0; layer < facts.numLayers; layer++) yield* layerSpecs(facts, `model.layers.${layer}.`);
  yield norm("model.norm", hiddenSize);
  if (!tied) yield linear("lm_head", vocabSize, hiddenSize, false);
}

function* layerSpecs(facts: ModelFacts, layer: string): Generator<WeightSpec> {
  const { hiddenSize, intermediateSize, headDim, numHeads, numKvHeads, weights } = facts;
  const { norms, fused, qkvBias, outputBias, mlpBias, queryKeyNorms } = weights;
  for (const name of layerNorms[norms]) yield norm(`${layer}${name}_layernorm`, hiddenSize);
  const [queries, keys] = [numHeads * headDim, numKvHeads * headDim];
  const [attention, mlp] = [`${layer}self_attn.`, `${layer}mlp.`];
  if (fused) {
    yield linear(`${attention}qkv_proj`, queries + 2 * keys, hiddenSize, qkvBias);
  } else {
    yield linear(`${attention}q_proj`, queries, hiddenSize, qkvBias);
    yield linear(`${attention}k_proj`, keys, hiddenSize, qkvBias);
    yield linear(`${attention}v_proj`, keys, hiddenSize, qkvBias);
  }
  yield linear(`${attention}o_proj`, hiddenSize, queries, outputBias);
  if (fused) {
    yield linear(`${mlp}gate_up_proj`, 2 * intermediateSize, hiddenSize, mlpBias);
  } else {
    yield linear(`${mlp}gate_proj`, intermediateSize, hiddenSize, mlpBias);
    yield linear(`${mlp}up_proj`, intermediateSize, hiddenSize, mlpBias);
  }
  yield linear(`${mlp}down_proj`, hiddenSize, intermediateSize, mlpBias);
  if (queryKeyNorms === "none") return;
  yield norm(`${attention}q_norm`, queryKeyNorms === "joint" ? queries : headDim);
  yield norm(`${attention}k_norm`, queryKeyNorms === "joint" ? keys : headDim);
}

const layerNorms = {
  before: ["input", "post_attention"],
  around: ["input", "pre_feedforward", "post_attention", "post_feedforward"],
  behind: ["post_attention", "post_feedforward"],
} as const;

function linear(module: string, outputs: number, inputs: number, bias: boolean): WeightSpec {
  return { module, outputs, inputs, bias };
}

function norm(module: string, outputs: number): WeightSpec {
  return { module, outputs, bias: false };
}
