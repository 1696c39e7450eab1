import { bitsOf, groupSize, isQuantized } from "./affine";
import type { Hyperparameters } from "./hyperparameters";
import type { Llama3Scaling } from "./ropeFactors";
import type { PlannedTensor, TensorPlan } from "./tensorPlan";
import type { SpecialIds } from "./vocabulary";

export interface MlxQuantization {
  readonly group_size: number;
  readonly bits: number;
}

/** What `config.json` says under "quantization": the usual one, and by module where it differs. */
export type MlxQuantizationConfig = MlxQuantization & Readonly<Record<string, number | MlxQuantization>>;

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

/** The most frequent width is the general one; modules of another width are named. */
function quantizationConfig(tensors: readonly PlannedTensor[]): MlxQuantizationConfig | undefined {
  const bitsByModule = new Map<string, number>();
  for (const { module, source } of tensors) {
    if (isQuantized(source.encoding.type)) bitsByModule.set(module, bitsOf(source.encoding.type));
  }
  if (bitsByModule.size === 0) return undefined;
  const fourBit = [...bitsByModule.values()].filter((bits) => bits === 4).length;
  const bits = fourBit * 2 >= bitsByModule.size ? 4 : 8;
  const overrides = [...bitsByModule].filter(([, own]) => own !== bits);
  return {
    group_size: groupSize,
    bits,
    ...Object.fromEntries(overrides.map(([module, own]) => [module, { group_size: groupSize, bits: own }])),
  };
}
