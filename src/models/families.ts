/** What config.json may leave out, and the one activation that the family computes with. */
export interface FamilyRules {
  readonly activation: "silu" | "gelu_pytorch_tanh";
  readonly headDim?: number;
  readonly numHeads?: number;
  readonly numKvHeads?: number;
  readonly vocabSize?: number;
  readonly contextTokens?: number;
  /** The family has layers with a window: its size, and every `pattern`-th layer sees all tokens. */
  readonly window?: { readonly tokens: number; readonly pattern: number };
  /** Without layer_types, `sliding_window` holds for all layers. */
  readonly windowsByDefault?: boolean;
  /** The config has multipliers. */
  readonly multipliers?: boolean;
  /** Which matrices have biases: those that the config says, unless the family has it settled. */
  readonly biases?: "none" | "qkv" | "attention";
  readonly outputBiasKey?: string;
  readonly queryKeyNorms?: "heads" | "joint";
  /** Where a layer has norms; absent: before attention and before the feed-forward. */
  readonly norms?: "around" | "behind";
  /** q, k and v are one matrix, and so are gate and up. */
  readonly fused?: boolean;
  /** The head is tied unless the files have one, whatever the config says. */
  readonly filesDecideHead?: boolean;
}

/** By `model_type`. The same as native/src/core/models; a test drives both with the same configs. */
export const familyRules = {
  llama: { activation: "silu" },
  mistral: { activation: "silu", windowsByDefault: true },
  ministral3: { activation: "silu", biases: "none" },
  qwen2: { activation: "silu", biases: "qkv" },
  qwen3: { activation: "silu", biases: "none", queryKeyNorms: "heads" },
  smollm3: { activation: "silu" },
  phi3: { activation: "silu", contextTokens: 131_072, windowsByDefault: true, biases: "none", fused: true },
  granite: { activation: "silu", multipliers: true },
  olmo2: { activation: "silu", biases: "attention", queryKeyNorms: "joint", norms: "behind" },
  olmo3: {
    activation: "silu",
    biases: "attention",
    queryKeyNorms: "joint",
    norms: "behind",
    window: { tokens: 4096, pattern: 4 },
  },
  seed_oss: { activation: "silu", outputBiasKey: "attention_out_bias" },
  gemma3_text: {
    activation: "gelu_pytorch_tanh",
    headDim: 256,
    numHeads: 8,
    numKvHeads: 4,
    vocabSize: 262_208,
    contextTokens: 131_072,
    biases: "none",
    queryKeyNorms: "heads",
    norms: "around",
    filesDecideHead: true,
    window: { tokens: 512, pattern: 6 },
  },
} as const satisfies Readonly<Record<string, FamilyRules>>;

export type ModelFamily = keyof typeof familyRules;

export const modelFamilies = Object.keys(familyRules).filter(isModelFamily);

export function isModelFamily(name: string): name is ModelFamily {
  return Object.hasOwn(familyRules, name);
}

/** Checkpoints of several parts whose text part, `text_config`, is a model of a family: which, where it does not say. */
const wrapperTypes: Readonly<Record<string, string>> = { gemma3: "gemma3_text", mistral3: "mistral" };

const experts = "experts";
const latent = "latent attention and experts";
const vision = "an image tower that its text needs";

/** What families need that is not computed, for the refusal. Others are refused by their name alone. */
export const missingParts: Readonly<Record<string, string>> = {
  qwen3_5: "state layers",
  qwen3_5_text: "state layers",
  qwen3_next: "state layers and experts",
  qwen3_5_moe: "state layers and experts",
  qwen3_5_moe_text: "state layers and experts",
  kimi_linear: "state layers and latent attention",
  lfm2: "state layers",
  lfm2_moe: "state layers and experts",
  mamba: "state layers",
  mamba2: "state layers",
  rwkv7: "state layers",
  falcon_h1: "state layers",
  jamba: "state layers and experts",
  nemotron_h: "state layers and experts",
  granitemoehybrid: "state layers and experts",
  qwen2_moe: experts,
  qwen3_moe: experts,
  qwen3_vl_moe: experts,
  mixtral: experts,
  phimoe: experts,
  granitemoe: experts,
  glm4_moe: experts,
  minimax: experts,
  minimax_m2: experts,
  ernie4_5_moe: experts,
  llama4: experts,
  olmoe: experts,
  gpt_oss: "experts and attention sinks",
  glm4_moe_lite: latent,
  deepseek_v2: latent,
  deepseek_v3: latent,
  deepseek_v32: latent,
  kimi_k2: latent,
  mistral4: latent,
  gemma4: "heads of two sizes and layers that share K and V",
  gemma4_text: "heads of two sizes and layers that share K and V",
  gemma4_unified: "heads of two sizes and layers that share K and V",
  gemma3n: "layers that share K and V, and embeddings of each layer",
  gemma2: "soft-capping",
  muse_glimmer: "gated attention outputs",
  mllama: vision,
};

/** The family of a checkpoint's text part; `undefined` for one of a single part. The type may be any text: "constructor". */
export function textPartOf(modelType: string): string | undefined {
  return Object.hasOwn(wrapperTypes, modelType) ? wrapperTypes[modelType] : undefined;
}

export function missingPartOf(family: string): string | undefined {
  return Object.hasOwn(missingParts, family) ? missingParts[family] : undefined;
}
