import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A llama of 2 layers with 4 heads over 2 of 8 dimensions and 50 tokens: computed in well under a millisecond. */
export const randomModelConfig = {
  model_type: "llama",
  hidden_size: 32,
  intermediate_size: 48,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  vocab_size: 50,
  rms_norm_eps: 1e-5,
  max_position_embeddings: 256,
} as const;

/** A Gemma 3 of the same sizes: 3 layers, of which the first two see 24 tokens. */
export const randomGemmaConfig = {
  ...randomModelConfig,
  model_type: "gemma3_text",
  num_hidden_layers: 3,
  head_dim: 8,
  query_pre_attn_scalar: 8,
  max_position_embeddings: 1024,
  sliding_window: 24,
  sliding_window_pattern: 3,
} as const;

/** Writes an MLX-format model directory with seeded random weights. */
export async function writeRandomModel(
  directory: string,
  config: typeof randomModelConfig | typeof randomGemmaConfig = randomModelConfig,
): Promise<string> {
  const { hidden_size: hidden, intermediate_size: inner, vocab_size: vocabulary } = config;
  const gemma = config.model_type === "gemma3_text";
  const shapes: Record<string, readonly number[]> = { "model.embed_tokens.weight": [vocabulary, hidden] };
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const layer = `model.layers.${i}`;
    shapes[`${layer}.input_layernorm.weight`] = [hidden];
    shapes[`${layer}.post_attention_layernorm.weight`] = [hidden];
    if (gemma) {
      shapes[`${layer}.pre_feedforward_layernorm.weight`] = [hidden];
      shapes[`${layer}.post_feedforward_layernorm.weight`] = [hidden];
      shapes[`${layer}.self_attn.q_norm.weight`] = [config.head_dim];
      shapes[`${layer}.self_attn.k_norm.weight`] = [config.head_dim];
    }
    shapes[`${layer}.self_attn.q_proj.weight`] = [32, hidden];
    shapes[`${layer}.self_attn.k_proj.weight`] = [16, hidden];
    shapes[`${layer}.self_attn.v_proj.weight`] = [16, hidden];
    shapes[`${layer}.self_attn.o_proj.weight`] = [hidden, 32];
    shapes[`${layer}.mlp.gate_proj.weight`] = [inner, hidden];
    shapes[`${layer}.mlp.up_proj.weight`] = [inner, hidden];
    shapes[`${layer}.mlp.down_proj.weight`] = [hidden, inner];
  }
  shapes["model.norm.weight"] = [hidden];
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "config.json"), JSON.stringify(config));
  await writeFile(join(directory, "model.safetensors"), randomSafetensors(shapes, gemma ? 0 : 1));
  return directory;
}

function randomSafetensors(shapes: Readonly<Record<string, readonly number[]>>, normCentre: number): Buffer {
  const header: Record<string, unknown> = {};
  const values: number[] = [];
  const next = uniform(1);
  for (const [name, shape] of Object.entries(shapes)) {
    const start = values.length;
    const count = shape.reduce((product, length) => product * length, 1);
    const centre = name.includes("norm") ? normCentre : 0;
    for (let i = 0; i < count; i++) values.push(centre + next() - 0.5);
    header[name] = { dtype: "F32", shape, data_offsets: [4 * start, 4 * values.length] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.from(Float32Array.from(values).buffer)]);
}

/** Numbers in [0, 1) from a linear congruential generator: the same on every machine. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
