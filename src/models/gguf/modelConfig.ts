import type { Hyperparameters } from "./hyperparameters";
import { groupSize, type MlxFormat, mlxFormatOf } from "./mlxFormats";
import type { Llama3Scaling } from "./ropeFactors";
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

const classes = { llama: "LlamaForCausalLM", qwen2: "Qwen2ForCausalLM", qwen3: "Qwen3ForCausalLM" } as const;

/** The `config.json` that mlx_lm and our loader read. */
export function modelConfig(
  parameters: Hyperparameters,
  plan: TensorPlan,
  special: SpecialIds,
  llama3: Llama3Scaling | undefined,
): Readonly<Record<string, unknown>> {
  const quantization = quantizationConfig(plan.tensors);
  return {
    architectures: [classes[parameters.architecture]],
    model_type: parameters.architecture,
    hidden_size: parameters.hiddenSize,
    intermediate_size: parameters.intermediateSize,
    num_hidden_layers: parameters.numLayers,
    num_attention_heads: parameters.numHeads,
    num_key_value_heads: parameters.numKvHeads,
    head_dim: parameters.headDim,
    hidden_act: "silu",
    max_position_embeddings: parameters.contextTokens,
    rms_norm_eps: parameters.rmsNormEps,
    rope_theta: parameters.ropeTheta,
    rope_scaling: ropeScaling(parameters, llama3),
    attention_bias: plan.attentionBias,
    mlp_bias: plan.mlpBias,
    tie_word_embeddings: plan.tied,
    vocab_size: plan.vocabSize,
    torch_dtype: "float32",
    ...(special.bos === undefined ? {} : { bos_token_id: special.bos }),
    eos_token_id: special.eos.length === 1 ? special.eos[0] : special.eos,
    ...(quantization === undefined ? {} : { quantization }),
  };
}

function ropeScaling(parameters: Hyperparameters, llama3: Llama3Scaling | undefined): object | null {
  if (llama3 !== undefined) {
    return {
      rope_type: "llama3",
      factor: llama3.factor,
      low_freq_factor: llama3.lowFreqFactor,
      high_freq_factor: llama3.highFreqFactor,
      original_max_position_embeddings: llama3.originalContextTokens,
    };
  }
  if (parameters.linearRopeFactor === 1) return null;
  return { rope_type: "linear", type: "linear", factor: parameters.linearRopeFactor };
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
