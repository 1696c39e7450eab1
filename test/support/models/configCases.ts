import { missingParts, modelFamilies } from "../../../src/models/families";

/** A whole llama, small. */
export const plainConfig = {
  model_type: "llama",
  hidden_size: 256,
  intermediate_size: 512,
  num_hidden_layers: 4,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 320,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 2048,
};

export interface ConfigCase {
  readonly name: string;
  readonly config: object;
  /** What MODEL_UNSUPPORTED names; undefined: the config is one that we compute. */
  readonly unsupported?: string;
}

const affine = { group_size: 64, bits: 4 };
const multipliers = {
  embedding_multiplier: 3,
  attention_multiplier: 0.2,
  residual_multiplier: 0.4,
  logits_scaling: 1.5,
};
const change = (changes: object): object => ({ ...plainConfig, ...changes });

/** Configs that `models inspect`, the lists of models and the loader must judge alike. */
export const configCases: readonly ConfigCase[] = [
  ...modelFamilies.map((family) => ({ name: `a ${family}`, config: change({ ...multipliers, model_type: family }) })),
  ...Object.keys(missingParts).map((type) => ({
    name: `a ${type}`,
    config: change({ model_type: type }),
    unsupported: `model_type ${type}`,
  })),
  { name: "a family that nobody knows", config: change({ model_type: "x" }), unsupported: "model_type x" },
  { name: "an activation", config: change({ hidden_act: "gelu" }), unsupported: "hidden_act gelu" },
  { name: "soft-capping", config: change({ final_logit_softcapping: 30 }), unsupported: "final_logit_softcapping" },
  {
    name: "soft-capping of scores",
    config: change({ attn_logit_softcapping: 50 }),
    unsupported: "attn_logit_softcapping",
  },
  {
    name: "a kind of layers",
    config: change({ layer_types: ["full_attention", "linear_attention", "full_attention", "full_attention"] }),
    unsupported: "layer type linear_attention",
  },
  {
    name: "another kind of RoPE",
    config: change({ rope_scaling: { type: "x", factor: 2 } }),
    unsupported: "rope_scaling type x",
  },
  {
    name: "groups of 16",
    config: change({ quantization: { group_size: 16, bits: 4 } }),
    unsupported: "quantization with groups of 16",
  },
  { name: "7 bits", config: change({ quantization: { ...affine, bits: 7 } }), unsupported: "quantization with 7 bits" },
  {
    name: "a format of one matrix",
    config: change({ quantization: { ...affine, "model.layers.0.mlp.up_proj": { ...affine, mode: "x" } } }),
    unsupported: "quantization of model.layers.0.mlp.up_proj mode x",
  },
  {
    name: "a method of others",
    config: change({ quantization_config: { quant_method: "gptq", bits: 4, group_size: 128 } }),
    unsupported: "quant_method gptq",
  },
  {
    name: "a program of its own",
    config: change({ model_file: "model.py" }),
    unsupported: "model_file (a program of its own)",
  },
  {
    name: "a part of several that nobody knows",
    config: { model_type: "mistral3", text_config: change({ model_type: "mistral4" }) },
    unsupported: "model_type mistral4",
  },
  {
    name: "mxfp4 in other groups",
    config: change({ quantization: { mode: "mxfp4", group_size: 64, bits: 4 } }),
    unsupported: "quantization with groups of 64",
  },
  { name: "a part of several", config: { model_type: "mistral3", text_config: plainConfig } },
  {
    name: "a Gemma 3 of several parts that says little",
    config: {
      model_type: "gemma3",
      text_config: { hidden_size: 256, intermediate_size: 512, num_hidden_layers: 6, sliding_window: 1024 },
    },
  },
  { name: "a window that all layers have", config: change({ model_type: "mistral", sliding_window: 256 }) },
  {
    name: "a window that some layers have",
    config: change({
      sliding_window: 256,
      layer_types: ["full_attention", "sliding_attention", "full_attention", "sliding_attention"],
    }),
  },
  { name: "partial rotation", config: change({ partial_rotary_factor: 0.5 }) },
  { name: "proportional rotation", config: change({ rope_parameters: { rope_type: "proportional" } }) },
  { name: "dynamic NTK", config: change({ rope_scaling: { type: "dynamic", factor: 2 } }) },
  {
    name: "long RoPE",
    config: change({ rope_scaling: { type: "longrope", long_factor: Array.from({ length: 32 }, () => 2) } }),
  },
  { name: "numbers that JSON does not have", config: change({ rope_theta: 1e4, x: { __float__: "Infinity" } }) },
  { name: "5 bits", config: change({ quantization: { ...affine, bits: 5 } }) },
  { name: "mxfp4", config: change({ quantization: { mode: "mxfp4", group_size: 32, bits: 4 } }) },
  { name: "nvfp4", config: change({ quantization: { mode: "nvfp4", group_size: 16, bits: 4 } }) },
  { name: "YaRN", config: change({ rope_scaling: { type: "yarn", factor: 4 } }) },
  { name: "matrices that differ", config: change({ quantization: { ...affine, lm_head: { ...affine, bits: 8 } } }) },
];
