import { familyOf, type GgufFamily, importArchitectures } from "./ggufFamilies";
import { corrupt, unsupported } from "./importErrors";
import { type Metadata, shortestDecimal } from "./metadata";
import { type RopeScaling, readRopeScaling } from "./ropeScaling";

/** What the metadata says about the network, checked for sense. Sizes are elements. */
export interface Hyperparameters {
  readonly family: GgufFamily;
  readonly numLayers: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  /** The first so many elements of a head are rotated by its position. */
  readonly ropeDim: number;
  readonly contextTokens: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  readonly ropeScaling: RopeScaling;
}

const maxSize = 1 << 24;

export function readHyperparameters(metadata: Metadata): Hyperparameters {
  const family = readFamily(metadata);
  const prefix = `${family.architecture}.`;
  const size = (key: string): number => {
    const value = metadata.integer(prefix + key);
    if (value === undefined) throw corrupt(`the metadata entry ${prefix}${key} is missing`, { key: prefix + key });
    if (value < 1 || value > maxSize) throw corrupt(`${prefix}${key} is ${value}`, { key: prefix + key, value });
    return value;
  };
  refuseVariants(metadata, family);
  const numHeads = size("attention.head_count");
  const numKvHeads = metadata.has(`${prefix}attention.head_count_kv`) ? size("attention.head_count_kv") : numHeads;
  const hiddenSize = size("embedding_length");
  const headDim = metadata.integer(`${prefix}attention.key_length`) ?? hiddenSize / numHeads;
  const valueDim = metadata.integer(`${prefix}attention.value_length`) ?? headDim;
  const ropeDim = metadata.integer(`${prefix}rope.dimension_count`) ?? headDim;
  if (
    !Number.isInteger(headDim) ||
    headDim < 2 ||
    headDim % 2 !== 0 ||
    headDim > maxSize ||
    numHeads % numKvHeads !== 0
  ) {
    throw corrupt(`${hiddenSize} elements, ${numHeads} heads and ${numKvHeads} key/value heads do not fit together`, {
      hiddenSize,
      numHeads,
      numKvHeads,
      headDim,
    });
  }
  if (valueDim !== headDim || (ropeDim !== headDim && !family.isFused) || ropeDim > headDim || ropeDim % 2 !== 0) {
    const name = valueDim !== headDim ? "values of another size than keys" : "partial rotary positions";
    throw unsupported(`the model uses ${name} (${valueDim}, ${ropeDim}, ${headDim})`, name, "use another model");
  }
  const eps = metadata.number(`${prefix}attention.layer_norm_rms_epsilon`);
  if (eps === undefined || eps <= 0)
    throw corrupt(`the metadata entry ${prefix}attention.layer_norm_rms_epsilon is missing`);
  const theta = metadata.number(`${prefix}rope.freq_base`) ?? 10000;
  if (theta <= 0) throw corrupt(`${prefix}rope.freq_base is ${theta}`, { theta });
  return {
    family,
    numLayers: size("block_count"),
    hiddenSize,
    intermediateSize: size("feed_forward_length"),
    numHeads,
    numKvHeads,
    headDim,
    ropeDim,
    contextTokens: size("context_length"),
    rmsNormEps: shortestDecimal(eps),
    ropeTheta: shortestDecimal(theta),
    ropeScaling: readRopeScaling(metadata, prefix),
  };
}

function readFamily(metadata: Metadata): GgufFamily {
  const name = metadata.string("general.architecture");
  if (name === undefined) throw corrupt("the metadata entry general.architecture is missing");
  const family = familyOf(name);
  if (family !== undefined) return family;
  throw unsupported(
    `the architecture ${name} is not supported`,
    name,
    `use a model of architecture ${importArchitectures.join(", ")} (Mistral's files are of architecture llama or mistral3)`,
  );
}

function refuseVariants(metadata: Metadata, { architecture }: GgufFamily): void {
  const prefix = `${architecture}.`;
  if (metadata.isList(`${prefix}attention.head_count`) || metadata.isList(`${prefix}attention.head_count_kv`)) {
    throw unsupported(
      "the model's layers have different numbers of heads",
      "per-layer head counts",
      "use another model",
    );
  }
  if ((metadata.integer(`${prefix}expert_count`) ?? 0) > 0) {
    throw unsupported("the model is a mixture of experts", "mixture of experts", "use a dense model");
  }
  for (const key of ["attn_logit_softcapping", "final_logit_softcapping"]) {
    if ((metadata.number(prefix + key) ?? 0) > 0)
      throw unsupported("the model caps its logits", key, "use another model");
  }
  // llama.cpp takes it as: nothing is rotated.
  if (architecture === "granite" && metadata.boolean(`${prefix}rope.scaling.finetuned`) === false)
    throw unsupported("the model has no rotary positions", "granite without RoPE", "use another model");
  // Phi 3's is not used: neither by llama.cpp nor by mlx_lm.
  const mayHaveWindow = architecture === "gemma3" || architecture === "olmo2" || architecture === "phi3";
  if (!mayHaveWindow && (metadata.integer(`${prefix}attention.sliding_window`) ?? 0) > 0) {
    throw unsupported("the model uses sliding-window attention", "sliding window", "use another model");
  }
}
