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

/** The same for prompts whose attention matrix fits in no memory unless attention is fused. */
export const longContextConfig = { ...randomModelConfig, max_position_embeddings: 200_000 } as const;

/** The first one with matrices of 4 or 8 bits in groups of 32, wide enough that groups are processed in pairs. */
export function quantisedConfig(bits: 4 | 8) {
  const config = { ...randomModelConfig, hidden_size: 64, intermediate_size: 96 };
  return { ...config, quantization: { group_size: 32, bits } };
}

/** One layer as wide as the starter model's: a step makes arrays of the same sizes in a thirtieth of the time. */
export const wideConfig = {
  ...randomModelConfig,
  hidden_size: 576,
  intermediate_size: 1536,
  num_hidden_layers: 1,
  num_attention_heads: 9,
  num_key_value_heads: 3,
  max_position_embeddings: 1024,
  quantization: { group_size: 32, bits: 4 as const },
} as const;

/** A Gemma 3 of the first one's sizes: 3 layers, of which the first two have a window of 24 tokens. */
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

/** The first one with the starter model's vocabulary, for prompts as long as those of other programs' agents. */
export const wideVocabularyConfig = {
  ...longContextConfig,
  vocab_size: 49_152,
  max_position_embeddings: 65_536,
} as const;

export type RandomConfig =
  | typeof randomModelConfig
  | typeof longContextConfig
  | typeof wideVocabularyConfig
  | ReturnType<typeof quantisedConfig>
  | typeof wideConfig
  | typeof randomGemmaConfig;

/** Writes an MLX-format model directory with seeded random weights. */
export async function writeRandomModel(directory: string, config: RandomConfig = randomModelConfig): Promise<string> {
  const { hidden_size: hidden, intermediate_size: inner, vocab_size: vocabulary } = config;
  const kv = (hidden * config.num_key_value_heads) / config.num_attention_heads;
  const gemma = config.model_type === "gemma3_text";
  const random = new RandomTensors("quantization" in config ? config.quantization.bits : undefined, gemma ? 0 : 1);
  random.addMatrix("model.embed_tokens", vocabulary, hidden);
  for (let i = 0; i < config.num_hidden_layers; i++) {
    const layer = `model.layers.${i}`;
    random.addNorm(`${layer}.input_layernorm`, hidden);
    random.addNorm(`${layer}.post_attention_layernorm`, hidden);
    if (gemma) {
      random.addNorm(`${layer}.pre_feedforward_layernorm`, hidden);
      random.addNorm(`${layer}.post_feedforward_layernorm`, hidden);
      random.addNorm(`${layer}.self_attn.q_norm`, config.head_dim);
      random.addNorm(`${layer}.self_attn.k_norm`, config.head_dim);
    }
    random.addMatrix(`${layer}.self_attn.q_proj`, hidden, hidden);
    random.addMatrix(`${layer}.self_attn.k_proj`, kv, hidden);
    random.addMatrix(`${layer}.self_attn.v_proj`, kv, hidden);
    random.addMatrix(`${layer}.self_attn.o_proj`, hidden, hidden);
    random.addMatrix(`${layer}.mlp.gate_proj`, inner, hidden);
    random.addMatrix(`${layer}.mlp.up_proj`, inner, hidden);
    random.addMatrix(`${layer}.mlp.down_proj`, hidden, inner);
  }
  random.addNorm("model.norm", hidden);
  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, "config.json"), JSON.stringify(config));
  await writeFile(join(directory, "model.safetensors"), random.safetensors());
  return directory;
}

/** Tensors with values around 0, in the order in which they are added. */
class RandomTensors {
  private readonly header: Record<string, unknown> = {};
  private readonly data: Buffer[] = [];
  private bytes = 0;
  private readonly next = uniform(1);

  constructor(
    private readonly bits: 4 | 8 | undefined,
    private readonly normCentre: number,
  ) {}

  addNorm(module: string, width: number): void {
    this.addFloats(`${module}.weight`, [width], () => this.normCentre + this.next() - 0.5);
  }

  addMatrix(module: string, outputs: number, inputs: number): void {
    const { bits } = this;
    if (bits === undefined) {
      this.addFloats(`${module}.weight`, [outputs, inputs], () => this.next() - 0.5);
      return;
    }
    // Only the generator's upper bits: its lower bits repeat soon.
    const halves = Uint16Array.from({ length: (outputs * inputs * bits) / 16 }, () => this.next() * 2 ** 16);
    this.add(`${module}.weight`, "U32", [outputs, (inputs * bits) / 32], Buffer.from(halves.buffer));
    const groups = [outputs, inputs / 32];
    // About 1 / (2 ** bits - 1), and exact in 16 bits.
    const scale = () => (1 + Math.floor(8 * this.next()) / 8) / 2 ** bits;
    this.addFloats(`${module}.scales`, groups, scale);
    this.addFloats(`${module}.biases`, groups, () => -scale() * 2 ** (bits - 1));
  }

  safetensors(): Buffer {
    const json = Buffer.from(JSON.stringify(this.header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(json.length));
    return Buffer.concat([length, json, ...this.data]);
  }

  private addFloats(name: string, shape: readonly number[], value: () => number): void {
    const values = Float32Array.from({ length: shape.reduce((product, size) => product * size, 1) }, value);
    this.add(name, "F32", shape, Buffer.from(values.buffer));
  }

  private add(name: string, dtype: string, shape: readonly number[], data: Buffer): void {
    this.header[name] = { dtype, shape, data_offsets: [this.bytes, this.bytes + data.length] };
    this.data.push(data);
    this.bytes += data.length;
  }
}

/** Numbers in [0, 1) from a linear congruential generator: the same on every machine. */
function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
