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

export const tinyTensors = {
  "model.embed_tokens.weight": { dtype: "F16", shape: [8, 32] },
  "model.layers.0.mlp.down_proj.weight": { dtype: "F16", shape: [32, 32] },
  "model.layers.1.mlp.down_proj.weight": { dtype: "F16", shape: [32, 32] },
  "model.norm.weight": { dtype: "F16", shape: [32] },
};

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
