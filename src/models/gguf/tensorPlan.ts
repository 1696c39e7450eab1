import type { GgufTensor } from "./ggufFile";
import type { Hyperparameters } from "./hyperparameters";
import { corrupt, unsupported } from "./importErrors";
import { type Biases, type ExpectedTensor, expectedTensors } from "./layerTensors";

/** One tensor of the file and where it goes. */
export interface PlannedTensor {
  readonly source: GgufTensor;
  /** Module path without ".weight": "model.layers.0.self_attn.q_proj". `parameter`: "weight" or "bias". */
  readonly module: string;
  readonly parameter: "weight" | "bias";
  /** Rows are stored in interleaved RoPE order, head by head of this many rows, and must be put back. 0 = they are not. */
  readonly permutedHeadRows: number;
  /** 1 is taken from every element, which is stored as f32 then. */
  readonly isAroundOne: boolean;
}

export interface TensorPlan {
  readonly tensors: readonly PlannedTensor[];
  /** Divisors of RoPE's frequencies, by the tensor's name. */
  readonly ropeDivisors: ReadonlyMap<RopeTensor, GgufTensor>;
  readonly vocabSize: number;
  readonly tied: boolean;
  readonly attentionBias: boolean;
  readonly outputBias: boolean;
  readonly mlpBias: boolean;
}

const ropeTensors = ["rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"] as const;
export type RopeTensor = (typeof ropeTensors)[number];

/** Says where every tensor goes; a missing, unknown or wrongly shaped one is refused by name. */
export function planTensors(all: readonly GgufTensor[], parameters: Hyperparameters): TensorPlan {
  if (parameters.numLayers > all.length) {
    throw corrupt(`the file claims ${parameters.numLayers} layers and has ${all.length} tensors`, {
      layers: parameters.numLayers,
      tensors: all.length,
    });
  }
  const byName = new Map(all.map((tensor) => [tensor.name, tensor]));
  const vocabSize = byName.get("token_embd.weight")?.shape[0] ?? 0;
  const biases = readBiases((name) => byName.has(name), parameters);
  const expected = expectedTensors(parameters, vocabSize, biases);
  const tied = !byName.has("output.weight");
  if (!tied) {
    const shape = [vocabSize, parameters.hiddenSize];
    expected.set("output.weight", { module: "lm_head", parameter: "weight", shape, isNorm: false, isPermuted: false });
  }
  const ropeDivisors = readRopeTensors(byName, parameters);
  for (const name of expected.keys()) if (!byName.has(name)) throw missing(name);
  const others = new Set<string>(ropeDivisors.keys());
  const tensors = all
    .filter((tensor) => !others.has(tensor.name))
    .map((source) => plan(source, expected.get(source.name), parameters));
  const { qkv: attentionBias, output: outputBias, mlp: mlpBias } = biases;
  return { tensors, ropeDivisors, vocabSize, tied, attentionBias, outputBias, mlpBias };
}

function readBiases(present: (name: string) => boolean, { family }: Hyperparameters): Biases {
  const { biases } = family;
  const qkv = present("blk.0.attn_q.bias");
  const output = present("blk.0.attn_output.bias");
  const mlp = present("blk.0.ffn_gate.bias");
  if (biases.qkv === "always" && !qkv) throw missing("blk.0.attn_q.bias");
  if (biases.qkv === "never" && qkv) throw unknown("blk.0.attn_q.bias");
  if (biases.output === "never" && output) throw unknown("blk.0.attn_output.bias");
  if (mlp && !biases.mlp) throw unknown("blk.0.ffn_gate.bias");
  if (biases.output === "as qkv" && qkv !== output) {
    throw unsupported(
      qkv
        ? "the model has biases on q, k and v but not on the output"
        : "the model has a bias on the output but not on q, k and v",
      "partial attention bias",
      "use another model",
    );
  }
  return { qkv, output, mlp };
}

function readRopeTensors(
  byName: ReadonlyMap<string, GgufTensor>,
  { family, ropeDim }: Hyperparameters,
): ReadonlyMap<RopeTensor, GgufTensor> {
  const found = new Map<RopeTensor, GgufTensor>();
  for (const name of ropeTensors) {
    const tensor = byName.get(name);
    if (tensor === undefined || !(name === "rope_freqs.weight" ? family.permutesHeads : family.isFused)) continue;
    if (tensor.encoding.type !== "F32" || !sameShape(tensor.shape, [ropeDim / 2]))
      throw corrupt(`the tensor ${name} has the shape [${tensor.shape}]`, { tensor: name });
    found.set(name, tensor);
  }
  const [long, short] = [found.has("rope_factors_long.weight"), found.has("rope_factors_short.weight")];
  if (long !== short) throw missing(long ? "rope_factors_short.weight" : "rope_factors_long.weight");
  return found;
}

function plan(source: GgufTensor, expected: ExpectedTensor | undefined, parameters: Hyperparameters): PlannedTensor {
  if (expected === undefined) throw unknown(source.name);
  const { module, parameter, shape, isPermuted, isNorm } = expected;
  if (!sameShape(source.shape, shape)) {
    throw corrupt(`the tensor ${source.name} has the shape [${source.shape}], not [${shape}]`, { tensor: source.name });
  }
  if (shape.length === 1 && source.encoding.blockElements > 1) {
    throw unsupported(`the vector ${source.name} is quantised`, `quantised ${source.name}`, "use another file");
  }
  return {
    source,
    module,
    parameter,
    permutedHeadRows: isPermuted ? parameters.headDim : 0,
    isAroundOne: isNorm && parameters.family.normsAroundOne,
  };
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
