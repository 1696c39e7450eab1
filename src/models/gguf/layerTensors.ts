import type { Hyperparameters } from "./hyperparameters";

/** What one tensor of the file has to be, and what it becomes. */
export interface ExpectedTensor {
  readonly module: string;
  readonly parameter: "weight" | "bias";
  readonly shape: readonly number[];
  readonly isNorm: boolean;
  readonly isPermuted: boolean;
}

export interface Biases {
  readonly qkv: boolean;
  readonly output: boolean;
  readonly mlp: boolean;
}

/** The tensors of all layers by their names in the file, with what stands before and after the layers. */
export function expectedTensors(
  parameters: Hyperparameters,
  vocabSize: number,
  biases: Biases,
): Map<string, ExpectedTensor> {
  const { family, numLayers, hiddenSize } = parameters;
  const { headDim, intermediateSize: inner } = parameters;
  const queries = parameters.numHeads * headDim;
  const keys = parameters.numKvHeads * headDim;
  const expected = new Map<string, ExpectedTensor>();
  const add = (from: string, module: string, shape: readonly number[], more: Partial<ExpectedTensor> = {}) =>
    expected.set(from, { module, parameter: "weight", shape, isNorm: false, isPermuted: false, ...more });
  add("token_embd.weight", "model.embed_tokens", [vocabSize, hiddenSize]);
  add("output_norm.weight", "model.norm", [hiddenSize], { isNorm: true });
  for (let layer = 0; layer < numLayers; layer++) {
    const norm = (from: string, to: string, size: number) =>
      add(`blk.${layer}.${from}.weight`, `model.layers.${layer}.${to}`, [size], { isNorm: true });
    const linear = (from: string, to: string, rows: number, columns: number, bias = false, isPermuted = false) => {
      const module = `model.layers.${layer}.${to}`;
      add(`blk.${layer}.${from}.weight`, module, [rows, columns], { isPermuted });
      if (bias) add(`blk.${layer}.${from}.bias`, module, [rows], { isPermuted, parameter: "bias" });
    };
    for (const [from, to] of family.norms) norm(from, to, hiddenSize);
    if (family.headNorms !== "none") {
      const all = family.headNorms === "projection";
      norm("attn_q_norm", "self_attn.q_norm", all ? queries : headDim);
      norm("attn_k_norm", "self_attn.k_norm", all ? keys : headDim);
    }
    if (family.isFused) {
      linear("attn_qkv", "self_attn.qkv_proj", queries + 2 * keys, hiddenSize);
      linear("ffn_up", "mlp.gate_up_proj", 2 * inner, hiddenSize);
    } else {
      linear("attn_q", "self_attn.q_proj", queries, hiddenSize, biases.qkv, family.permutesHeads);
      linear("attn_k", "self_attn.k_proj", keys, hiddenSize, biases.qkv, family.permutesHeads);
      linear("attn_v", "self_attn.v_proj", keys, hiddenSize, biases.qkv);
      linear("ffn_gate", "mlp.gate_proj", inner, hiddenSize, biases.mlp);
      linear("ffn_up", "mlp.up_proj", inner, hiddenSize, biases.mlp);
    }
    linear("attn_output", "self_attn.o_proj", hiddenSize, queries, biases.output);
    linear("ffn_down", "mlp.down_proj", hiddenSize, inner, biases.mlp);
  }
  return expected;
}
