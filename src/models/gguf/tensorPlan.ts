import type { GgufFile, GgufTensor } from "./ggufFile";
import type { Hyperparameters } from "./hyperparameters";
import { corrupt, unsupported } from "./importErrors";

/** One tensor of the file and where it goes. */
export interface PlannedTensor {
  readonly source: GgufTensor;
  /** Module path without ".weight": "model.layers.0.self_attn.q_proj". `parameter`: "weight" or "bias". */
  readonly module: string;
  readonly parameter: "weight" | "bias";
  /** Rows are stored in interleaved RoPE order, head by head of this many rows, and must be put back. 0 = they are not. */
  readonly permutedHeadRows: number;
}

export interface TensorPlan {
  readonly tensors: readonly PlannedTensor[];
  readonly ropeFreqs: GgufTensor | undefined;
  readonly vocabSize: number;
  readonly tied: boolean;
  readonly attentionBias: boolean;
  readonly mlpBias: boolean;
}

interface Expectation {
  readonly module: string;
  readonly parameter: "weight" | "bias";
  readonly shape: readonly number[];
  readonly permuted?: boolean;
}

/** Says where every tensor of the file goes; a missing, unknown or wrongly shaped one is refused by name. */
export function planTensors(file: GgufFile, parameters: Hyperparameters): TensorPlan {
  if (parameters.numLayers > file.tensors.length) {
    throw corrupt(`the file claims ${parameters.numLayers} layers and has ${file.tensors.length} tensors`, {
      layers: parameters.numLayers,
      tensors: file.tensors.length,
    });
  }
  const byName = new Map(file.tensors.map((tensor) => [tensor.name, tensor]));
  const vocabSize = byName.get("token_embd.weight")?.shape[0] ?? 0;
  const present = (name: string) => byName.has(name);
  const attentionBias = present("blk.0.attn_q.bias");
  const mlpBias = present("blk.0.ffn_gate.bias");
  if (parameters.architecture === "qwen2" && !attentionBias) throw missing("blk.0.attn_q.bias");
  if (mlpBias && parameters.architecture !== "llama") throw unknown("blk.0.ffn_gate.bias");
  if (attentionBias && parameters.architecture === "llama" && !present("blk.0.attn_output.bias")) {
    throw unsupported(
      "the model has biases on q, k and v but not on the output",
      "partial attention bias",
      "use another model",
    );
  }
  const expected = expectations(parameters, vocabSize, { attentionBias, mlpBias });
  const tied = !present("output.weight");
  if (!tied)
    expected.set("output.weight", {
      module: "lm_head",
      parameter: "weight",
      shape: [vocabSize, parameters.hiddenSize],
    });

  const ropeFreqs = parameters.architecture === "llama" ? byName.get("rope_freqs.weight") : undefined;
  if (
    ropeFreqs !== undefined &&
    (ropeFreqs.encoding.type !== "F32" || !sameShape(ropeFreqs.shape, [parameters.headDim / 2]))
  ) {
    throw corrupt(`the tensor rope_freqs.weight has the shape [${ropeFreqs.shape}]`, { tensor: ropeFreqs.name });
  }
  for (const name of expected.keys()) if (!present(name)) throw missing(name);
  const tensors = file.tensors
    .filter((tensor) => tensor !== ropeFreqs)
    .map((source) => plan(source, expected, parameters));
  return { tensors, ropeFreqs, vocabSize, tied, attentionBias, mlpBias };
}

function plan(
  source: GgufTensor,
  expected: ReadonlyMap<string, Expectation>,
  parameters: Hyperparameters,
): PlannedTensor {
  const expectation = expected.get(source.name);
  if (expectation === undefined) throw unknown(source.name);
  const { module, parameter, shape, permuted } = expectation;
  if (!sameShape(source.shape, shape)) {
    throw corrupt(`the tensor ${source.name} has the shape [${source.shape}], not [${shape}]`, { tensor: source.name });
  }
  if (shape.length === 1 && source.encoding.blockElements > 1) {
    throw unsupported(`the vector ${source.name} is quantised`, `quantised ${source.name}`, "use another file");
  }
  return { source, module, parameter, permutedHeadRows: permuted === true ? parameters.headDim : 0 };
}

function expectations(
  parameters: Hyperparameters,
  vocabSize: number,
  biases: { readonly attentionBias: boolean; readonly mlpBias: boolean },
): Map<string, Expectation> {
  const { architecture, numLayers, hiddenSize, intermediateSize, headDim } = parameters;
  const queries = parameters.numHeads * headDim;
  const keys = parameters.numKvHeads * headDim;
  const permuted = architecture === "llama";
  const expected = new Map<string, Expectation>([
    ["token_embd.weight", { module: "model.embed_tokens", parameter: "weight", shape: [vocabSize, hiddenSize] }],
    ["output_norm.weight", { module: "model.norm", parameter: "weight", shape: [hiddenSize] }],
  ]);
  for (let layer = 0; layer < numLayers; layer++) {
    const norm = (from: string, to: string, size: number) =>
      expected.set(`blk.${layer}.${from}.weight`, {
        module: `model.layers.${layer}.${to}`,
        parameter: "weight",
        shape: [size],
      });
    const linear = (from: string, to: string, rows: number, columns: number, bias: boolean, isPermuted = false) => {
      const module = `model.layers.${layer}.${to}`;
      const name = `blk.${layer}.${from}`;
      expected.set(`${name}.weight`, { module, parameter: "weight", shape: [rows, columns], permuted: isPermuted });
      if (bias) expected.set(`${name}.bias`, { module, parameter: "bias", shape: [rows], permuted: isPermuted });
    };
    norm("attn_norm", "input_layernorm", hiddenSize);
    norm("ffn_norm", "post_attention_layernorm", hiddenSize);
    if (architecture === "qwen3") {
      norm("attn_q_norm", "self_attn.q_norm", headDim);
      norm("attn_k_norm", "self_attn.k_norm", headDim);
    }
    linear("attn_q", "self_attn.q_proj", queries, hiddenSize, biases.attentionBias, permuted);
    linear("attn_k", "self_attn.k_proj", keys, hiddenSize, biases.attentionBias, permuted);
    linear("attn_v", "self_attn.v_proj", keys, hiddenSize, biases.attentionBias);
    linear("attn_output", "self_attn.o_proj", hiddenSize, queries, biases.attentionBias && architecture === "llama");
    linear("ffn_gate", "mlp.gate_proj", intermediateSize, hiddenSize, biases.mlpBias);
    linear("ffn_up", "mlp.up_proj", intermediateSize, hiddenSize, biases.mlpBias);
    linear("ffn_down", "mlp.down_proj", hiddenSize, intermediateSize, biases.mlpBias);
  }
  return expected;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((length, i) => length === b[i]);
}

function missing(name: string): Error {
  return corrupt(`the tensor ${name} is missing`, { tensor: name });
}

function unknown(name: string): Error {
  return unsupported(`the tensor ${name} is not known in this architecture`, name, "use another model");
}
