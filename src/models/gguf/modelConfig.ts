import type { FamilySettings } from "./familySettings";
import type { Hyperparameters } from "./hyperparameters";
import { groupSize, type MlxFormat, mlxFormatOf } from "./mlxFormats";
import type { Llama3Scaling, Longrope } from "./ropeFactors";
import type { PlannedTensor, TensorPlan } from "./tensorPlan";
import { isQuantized } from "./tensorTypes";
import type { SpecialIds } from "./vocabulary";

export interface MlxQuantization {
  readonly group_size: number;
  readonly bits: number;
  /** Absent where all modules are affine, MLX's default. */
  readonly mode?: MlxFormat["mode"];
}

/** What `config.json` says under "quantization": the usual one, and by module where it differs. */
export type MlxQuantizationConfig = MlxQuantization & Readonly<Record<string, number | string | MlxQuantization>>;

/** RoPE's scaling where tensors of the file state it. */
export type RopeTables =
  | { readonly type: "llama3"; readonly scaling: Llama3Scaling }
  | { readonly type: "longrope"; readonly factors: Longrope };

/** The `config.json` that mlx_lm and our loader read. */
export function modelConfig(
  parameters: Hyperparameters,
  plan: TensorPlan,
  family: FamilySettings,
  special: SpecialIds,
  tables: RopeTables | undefined,
): Readonly<Record<string, unknown>> {
  const quantization = quantizationConfig(plan.tensors);
  return {
    hidden_size: parameters.hiddenSize,
    intermediate_size: parameters.intermediateSize,
    num_hidden_layers: parameters.numLayers,
    num_attention_heads: parameters.numHeads,
    num_key_value_heads: parameters.numKvHeads,
    head_dim: parameters.headDim,
    max_position_embeddings: parameters.contextTokens,
    rms_norm_eps: parameters.rmsNormEps,
    rope_theta: parameters.ropeTheta,
    rope_scaling: ropeScaling(parameters, tables),
    attention_bias: plan.attentionBias,
    mlp_bias: plan.mlpBias,
    tie_word_embeddings: plan.tied,
    vocab_size: plan.vocabSize,
    torch_dtype: "float32",
    ...family,
    ...(special.bos === undefined ? {} : { bos_token_id: special.bos }),
    eos_token_id: special.eos.length === 1 ? special.eos[0] : special.eos,
    ...(quantization === undefined ? {} : { quantization }),
  };
}

/** `type` is the name that older readers look for. */
function ropeScaling({ ropeScaling: scaling }: Hyperparameters, tables: RopeTables | undefined): object | null {
  if (tables?.type === "llama3") {
    const { factor, lowFreqFactor, highFreqFactor, originalContextTokens } = tables.scaling;
    return {
      rope_type: "llama3",
      factor,
      low_freq_factor: lowFreqFactor,
      high_freq_factor: highFreqFactor,
      original_max_position_embeddings: originalContextTokens,
    };
  }
  if (tables?.type === "longrope") {
    const { longFactors, shortFactors } = tables.factors;
    return { rope_type: "longrope", type: "longrope", long_factor: longFactors, short_factor: shortFactors };
  }
  switch (scaling.type) {
    case "linear":
      return { rope_type: "linear", type: "linear", factor: scaling.factor };
    case "yarn":
      return {
        rope_type: "yarn",
        type: "yarn",
        factor: scaling.factor,
        original_max_position_embeddings: scaling.originalContextTokens,
        beta_fast: scaling.betaFast,
        beta_slow: scaling.betaSlow,
        ...(scaling.mscaleAllDim === 0 ? {} : { mscale: 1, mscale_all_dim: scaling.mscaleAllDim }),
      };
    default:
      return null;
  }
}

/** The most frequent format is the general one; modules of another format are named. */
function quantizationConfig(tensors: readonly PlannedTensor[]): MlxQuantizationConfig | undefined {
  const formats = new Map<string, MlxFormat>();
  for (const { module, source } of tensors) {
    if (isQuantized(source.encoding.type)) formats.set(module, mlxFormatOf(source.encoding.type));
  }
  const general = mostFrequent([...formats.values()]);
  if (general === undefined) return undefined;
  const sayMode = [...formats.values()].some(({ mode }) => mode !== "affine");
  const entry = ({ bits, mode }: MlxFormat): MlxQuantization => ({
    group_size: groupSize,
    bits,
    ...(sayMode ? { mode } : {}),
  });
  const overrides = [...formats].filter(([, own]) => keyOf(own) !== keyOf(general));
  return {
    ...entry(general),
    ...Object.fromEntries(overrides.map(([module, own]) => [module, entry(own)])),
  };
}

const keyOf = ({ mode, bits }: MlxFormat): string => `${mode} ${bits}`;

/** Of equally frequent ones the one with fewer bits. */
function mostFrequent(formats: readonly MlxFormat[]): MlxFormat | undefined {
  const counts = new Map<string, number>();
  for (const format of formats) counts.set(keyOf(format), (counts.get(keyOf(format)) ?? 0) + 1);
  const count = (format: MlxFormat) => counts.get(keyOf(format)) ?? 0;
  return [...formats].sort((a, b) => count(b) - count(a) || a.bits - b.bits)[0];
}
