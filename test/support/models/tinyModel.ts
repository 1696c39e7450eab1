import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { zeroSafetensors } from "./safetensors";

export const tinyConfig = {
  model_type: "llama",
  hidden_size: 32,
  intermediate_size: 32,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 8,
  max_position_embeddings: 128,
  eos_token_id: 2,
};

interface TinyTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
}

const half = (...shape: readonly number[]): TinyTensor => ({ dtype: "F16", shape });

function layerTensors(layer: string): Readonly<Record<string, TinyTensor>> {
  return {
    [`${layer}input_layernorm.weight`]: half(32),
    [`${layer}post_attention_layernorm.weight`]: half(32),
    [`${layer}self_attn.q_proj.weight`]: half(32, 32),
    [`${layer}self_attn.k_proj.weight`]: half(16, 32),
    [`${layer}self_attn.v_proj.weight`]: half(16, 32),
    [`${layer}self_attn.o_proj.weight`]: half(32, 32),
    [`${layer}mlp.gate_proj.weight`]: half(32, 32),
    [`${layer}mlp.up_proj.weight`]: half(32, 32),
    [`${layer}mlp.down_proj.weight`]: half(32, 32),
  };
}

export const tinyTensors = {
  "model.embed_tokens.weight": half(8, 32),
  ...layerTensors("model.layers.0."),
  ...layerTensors("model.layers.1."),
  "model.norm.weight": half(32),
};

/** Of all of them together. */
export const tinyWeightBytes = 2 * (8 * 32 + 2 * (2 * 32 + 5 * 32 * 32 + 2 * 16 * 32) + 32);

/** Writes the files of a model that is valid except for its weights; `undefined` omits a file. */
export async function writeTinyModel(
  directory: string,
  files: Readonly<Record<string, string | Buffer | undefined>> = {},
): Promise<string> {
  await mkdir(directory, { recursive: true });
  const all: Readonly<Record<string, string | Buffer | undefined>> = {
    "config.json": JSON.stringify(tinyConfig),
    "tokenizer.json": JSON.stringify({ model: { vocab: { a: 0, b: 1 } }, added_tokens: [{ id: 2, content: "</s>" }] }),
    "tokenizer_config.json": JSON.stringify({ eos_token: "</s>", chat_template: "{{ messages }}" }),
    "model.safetensors": zeroSafetensors(tinyTensors),
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    if (content !== undefined) await writeFile(join(directory, name), content);
  }
  return directory;
}
