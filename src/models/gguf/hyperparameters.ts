import { corrupt, unsupported } from "./importErrors";
import type { Metadata } from "./metadata";

export type ImportArchitecture = "llama" | "qwen2" | "qwen3";

const architectures: readonly ImportArchitecture[] = ["llama", "qwen2", "qwen3"];

/** What the metadata says about the network, checked for sense. Sizes are elements. */
export interface Hyperparameters {
  readonly architecture: ImportArchitecture;
  readonly numLayers: number;
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly numHeads: number;
  readonly numKvHeads: number;
  readonly headDim: number;
  readonly contextTokens: number;
  readonly rmsNormEps: number;
  readonly ropeTheta: number;
  /** Positions are divided by this ("linear" scaling). 1 = no scaling. */
  readonly linearRopeFactor: number;
}

const maxSize = 1 << 24;

export function readHyperparameters(metadata: Metadata): Hyperparameters {
  const architecture = readArchitecture(metadata);
  const prefix = `${architecture}.`;
  const size = (key: string): number => {
    const value = metadata.integer(prefix + key);
    if (value === undefined) throw corrupt(`the metadata entry ${prefix}${key} is missing`, { key: prefix + key });
    if (value < 1 || value > maxSize) throw corrupt(`${prefix}${key} is ${value}`, { key: prefix + key, value });
    return value;
  };
  refuseVariants(metadata, prefix);
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
  if (valueDim !== headDim || ropeDim !== headDim) {
    const name = valueDim !== headDim ? "values of another size than keys" : "partial rotary positions";
    throw unsupported(`the model uses ${name} (${valueDim}, ${ropeDim}, ${headDim})`, name, "use another model");
  }
  const eps = metadata.number(`${prefix}attention.layer_norm_rms_epsilon`);
  if (eps === undefined || eps <= 0)
    throw corrupt(`the metadata entry ${prefix}attention.layer_norm_rms_epsilon is missing`);
  const theta = metadata.number(`${prefix}rope.freq_base`) ?? 10000;
  if (theta <= 0) throw corrupt(`${prefix}rope.freq_base is ${theta}`, { theta });
  return {
    architecture,
    numLayers: size("block_count"),
    hiddenSize,
    intermediateSize: size("feed_forward_length"),
    numHeads,
    numKvHeads,
    headDim,
    contextTokens: size("context_length"),
    rmsNormEps: shortestDecimal(eps),
    ropeTheta: shortestDecimal(theta),
    linearRopeFactor: readLinearRopeFactor(metadata, prefix),
  };
}

function readArchitecture(metadata: Metadata): ImportArchitecture {
  const name = metadata.string("general.architecture");
  if (name === undefined) throw corrupt("the metadata entry general.architecture is missing");
  const found = architectures.find((architecture) => architecture === name);
  if (found !== undefined) return found;
  throw unsupported(
    `the architecture ${name} is not supported`,
    name,
    `use a model of architecture ${architectures.join(", ")} (Mistral files are of architecture llama)`,
  );
}

function refuseVariants(metadata: Metadata, prefix: string): void {
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
  if ((metadata.integer(`${prefix}attention.sliding_window`) ?? 0) > 0) {
    throw unsupported("the model uses sliding-window attention", "sliding window", "use another model");
  }
}

function readLinearRopeFactor(metadata: Metadata, prefix: string): number {
  const type = metadata.string(`${prefix}rope.scaling.type`) ?? "none";
  const factor = metadata.number(`${prefix}rope.scaling.factor`) ?? metadata.number(`${prefix}rope.scale_linear`) ?? 1;
  if (type === "none" || (type !== "linear" && factor === 1)) return 1;
  if (type !== "linear") {
    throw unsupported(
      `the RoPE scaling ${type} is not supported`,
      type,
      "use a file without RoPE scaling or with linear scaling",
    );
  }
  if (factor < 1) throw corrupt(`the RoPE scaling factor is ${factor}`, { factor });
  return factor;
}

/** Metadata holds f32: 1e-5 arrives as 9.999999747378752e-6. The shortest decimal that names the same f32. */
function shortestDecimal(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === Math.fround(value)) return candidate;
  }
  return value;
}
