/** What a family's `config.json` says beyond what all have. */
import type { ImportArchitecture } from "./ggufFamilies";
import type { Hyperparameters } from "./hyperparameters";
import { corrupt } from "./importErrors";
import { type Metadata, shortestDecimal } from "./metadata";
import type { TensorPlan } from "./tensorPlan";

export interface FamilySettings {
  readonly model_type: string;
  readonly architectures: readonly [string];
  readonly [key: string]: unknown;
}

interface Facts {
  readonly parameters: Hyperparameters;
  readonly plan: TensorPlan;
  readonly integer: (key: string) => number | undefined;
  readonly number: (key: string) => number | undefined;
  /** Undefined: no layer has a window. */
  readonly windows: Windows | undefined;
}

export function familySettings(parameters: Hyperparameters, plan: TensorPlan, metadata: Metadata): FamilySettings {
  const { architecture } = parameters.family;
  const prefix = `${architecture}.`;
  return settings[architecture]({
    parameters,
    plan,
    integer: (key) => metadata.integer(prefix + key),
    number: (key) => {
      const value = metadata.number(prefix + key);
      return value === undefined ? undefined : shortestDecimal(value);
    },
    windows: readWindows(metadata, parameters),
  });
}

interface Windows {
  readonly byLayer: readonly boolean[];
  /** The number p where every p-th layer, and no other, has no window; undefined: there is none. */
  readonly period: number | undefined;
}

const silu = { hidden_act: "silu" } as const;
const plain = (model_type: string, name: string): FamilySettings => ({
  model_type,
  architectures: [`${name}ForCausalLM`],
  ...silu,
});

const settings: Readonly<Record<ImportArchitecture, (facts: Facts) => FamilySettings>> = {
  llama: () => plain("llama", "Llama"),
  qwen2: () => plain("qwen2", "Qwen2"),
  qwen3: () => plain("qwen3", "Qwen3"),
  smollm3: () => ({ ...plain("smollm3", "SmolLM3"), no_rope_layer_interval: 4 }),
  seed_oss: ({ plan }) => ({ ...plain("seed_oss", "SeedOss"), attention_out_bias: plan.outputBias }),
  granite: ({ number, parameters }) => ({
    ...plain("granite", "Granite"),
    attention_multiplier: number("attention.scale") ?? parameters.headDim ** -0.5,
    embedding_multiplier: number("embedding_scale") ?? 1,
    residual_multiplier: number("residual_scale") ?? 1,
    logits_scaling: number("logit_scale") ?? 1,
  }),
  phi3: ({ parameters: { headDim, ropeDim, contextTokens }, integer }) => ({
    ...plain("phi3", "Phi3"),
    partial_rotary_factor: ropeDim / headDim,
    original_max_position_embeddings: integer("rope.scaling.original_context_length") ?? contextTokens,
  }),
  mistral3: ({ parameters: { ropeScaling, ropeTheta }, number }) => {
    const beta = number("attention.temperature_scale") ?? 0;
    // Before Ministral 3 the text model is Mistral's.
    if (beta === 0) return plain("mistral", "Mistral");
    if (ropeScaling.type !== "yarn") throw corrupt("the model scales its attention and has no yarn scaling");
    return {
      ...plain("ministral3", "Ministral3"),
      rope_parameters: {
        rope_type: "yarn",
        type: "yarn",
        rope_theta: ropeTheta,
        factor: ropeScaling.factor,
        original_max_position_embeddings: ropeScaling.originalContextTokens,
        beta_fast: ropeScaling.betaFast,
        beta_slow: ropeScaling.betaSlow,
        mscale: 1,
        mscale_all_dim: ropeScaling.mscaleAllDim,
        llama_4_scaling_beta: beta,
      },
    };
  },
  olmo2: ({ windows, integer }) =>
    windows === undefined
      ? plain("olmo2", "Olmo2")
      : {
          ...plain("olmo3", "Olmo3"),
          sliding_window: integer("attention.sliding_window"),
          layer_types: windows.byLayer.map(layerType),
        },
  gemma3: ({ parameters: { numLayers, hiddenSize, numHeads, headDim, contextTokens }, integer, number, windows }) => {
    const pattern = windows === undefined ? 1 : windows.period;
    return {
      model_type: "gemma3_text",
      architectures: ["Gemma3ForCausalLM"],
      hidden_activation: "gelu_pytorch_tanh",
      // The 27B model divides by the width of an even share of the embedding, as llama.cpp knows by its 62 layers.
      query_pre_attn_scalar: numLayers === 62 ? hiddenSize / numHeads : headDim,
      sliding_window: integer("attention.sliding_window") ?? contextTokens,
      ...(pattern === undefined
        ? { layer_types: windows?.byLayer.map(layerType) }
        : { sliding_window_pattern: pattern }),
      rope_local_base_freq: number("rope.freq_base_swa") ?? 10_000,
    };
  },
};

const layerType = (hasWindow: boolean) => (hasWindow ? "sliding_attention" : "full_attention");

/** Every `period`-th layer has no window, unless the file says otherwise. */
const usualPeriods: Partial<Record<ImportArchitecture, number>> = { gemma3: 6, olmo2: 4 };

function readWindows(metadata: Metadata, { family, numLayers }: Hyperparameters): Windows | undefined {
  const prefix = `${family.architecture}.attention.`;
  const usual = usualPeriods[family.architecture];
  if (usual === undefined || (metadata.integer(`${prefix}sliding_window`) ?? 0) === 0) return undefined;
  const key = `${prefix}sliding_window_pattern`;
  if (metadata.isList(key)) {
    const listed = metadata.booleans(key) ?? [];
    if (listed.length < numLayers) throw corrupt(`${key} lists ${listed.length} of ${numLayers} layers`, { key });
    const byLayer = listed.slice(0, numLayers);
    return { byLayer, period: periodOf(byLayer) };
  }
  const period = metadata.integer(key) ?? usual;
  const byLayer = Array.from({ length: numLayers }, (_, i) => period === 0 || (i + 1) % period !== 0);
  return { byLayer, period: period === 0 ? undefined : period };
}

function periodOf(windows: readonly boolean[]): number | undefined {
  const first = windows.indexOf(false);
  const period = first === -1 ? windows.length + 1 : first + 1;
  return windows.every((hasWindow, i) => hasWindow === ((i + 1) % period !== 0)) ? period : undefined;
}
