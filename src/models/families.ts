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
}

/** By `model_type`. The same as native/src/core/models; a test drives both with the same configs. */
export const familyRules = {
  llama: { activation: "silu" },
  mistral: { activation: "silu" },
  qwen2: { activation: "silu" },
  qwen3: { activation: "silu" },
  gemma3_text: {
    activation: "gelu_pytorch_tanh",
    headDim: 256,
    numHeads: 8,
    numKvHeads: 4,
    vocabSize: 262_208,
    contextTokens: 131_072,
    window: { tokens: 512, pattern: 6 },
  },
} as const satisfies Readonly<Record<string, FamilyRules>>;

export type ModelFamily = keyof typeof familyRules;

export const modelFamilies = Object.keys(familyRules).filter(isModelFamily);

export function isModelFamily(name: string): name is ModelFamily {
  return Object.hasOwn(familyRules, name);
}

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
