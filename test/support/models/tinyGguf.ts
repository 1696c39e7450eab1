import type { ImportArchitecture } from "../../../src/models/gguf/ggufFamilies";
import { encodingOfType } from "../../../src/models/gguf/tensorTypes";
import {
  buildGguf,
  f32,
  flag,
  type GgufEntry,
  type GgufSpec,
  type GgufTensorSpec,
  i32s,
  text,
  texts,
  u32,
} from "./ggufBuilder";

/** A model of two layers with random weights, complete enough for every file of the import. */
export const tiny = {
  layers: 2,
  hidden: 64,
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  intermediate: 96,
  context: 256,
} as const;

export const tokens: readonly string[] = [
  "<|endoftext|>",
  "<|im_start|>",
  "<|im_end|>",
  "<think>",
  ..."abcdefghijklmnopqrstuvwxyz0123456789.,!?<|>_Ċ",
  "Ġ",
  "he",
  "ll",
  "hell",
  "hello",
  "Ġw",
  "or",
];
const merges: readonly string[] = ["h e", "l l", "he ll", "hell o", "Ġ w", "o r"];
export const chatTemplate =
  "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}" +
  "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/** The same where types with blocks of 256 are used. */
export const wide: TinySizes = { ...tiny, hidden: 256, headDim: 64, intermediate: 512 };

export interface TinySizes {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly headDim: number;
  readonly intermediate: number;
  readonly context: number;
}

const typeIds = {
  F32: 0,
  F16: 1,
  Q4_0: 2,
  Q4_1: 3,
  Q5_0: 6,
  Q8_0: 8,
  Q2_K: 10,
  Q3_K: 11,
  Q4_K: 12,
  Q5_K: 13,
  Q6_K: 14,
  IQ4_XS: 23,
  MXFP4: 39,
} as const;
export type TinyType = keyof typeof typeIds;

/** Where a block's halves are; the rest may be any bytes. */
const halves: Readonly<Record<TinyType, readonly number[]>> = {
  F32: [],
  F16: [0],
  Q4_0: [0],
  Q4_1: [0, 2],
  Q5_0: [0],
  Q8_0: [0],
  Q2_K: [80, 82],
  Q3_K: [108],
  Q4_K: [0, 2],
  Q5_K: [0, 2],
  Q6_K: [208],
  IQ4_XS: [0],
  MXFP4: [],
};

/** Deterministic bytes whose half-precision scales are finite. */
function blocks(type: TinyType, elements: number, seed: number): Buffer {
  let state = seed * 2654435761 + 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  };
  if (type === "F32" || type === "F16") {
    const bytes = Buffer.alloc(elements * (type === "F32" ? 4 : 2));
    for (let i = 0; i < elements; i++) {
      if (type === "F32") bytes.writeFloatLE((next() - 128) / 64, i * 4);
      else bytes.writeUInt16LE(0x3000 | next(), i * 2);
    }
    return bytes;
  }
  const { blockBytes, blockElements } = encodingOfType(type);
  const bytes = Buffer.alloc((elements / blockElements) * blockBytes);
  for (let i = 0; i < bytes.length; i++) {
    const inBlock = i % blockBytes;
    const isHighByte = halves[type].some((at) => at + 1 === inBlock);
    bytes[i] = isHighByte || (type === "MXFP4" && inBlock === 0) ? next() & 0x1f : next();
  }
  return bytes;
}

export function tinyTensor(name: string, shape: readonly number[], type: TinyType = "F32", seed = 1): GgufTensorSpec {
  const elements = shape.reduce((product, length) => product * length, 1);
  return { name, shape, typeId: typeIds[type], data: blocks(type, elements, seed + name.length) };
}

export interface TinyOptions {
  readonly architecture?: ImportArchitecture;
  readonly type?: TinyType;
  readonly embeddingType?: TinyType;
  readonly sizes?: TinySizes;
  readonly tied?: boolean;
  readonly metadata?: Readonly<Record<string, GgufEntry | undefined>>;
  /** Changes the list of tensors. */
  readonly tensors?: (tensors: readonly GgufTensorSpec[]) => readonly GgufTensorSpec[];
}

/** Where they are not Llama's. */
const normNames: Partial<Record<ImportArchitecture, readonly string[]>> = {
  gemma3: ["attn_norm", "post_attention_norm", "ffn_norm", "post_ffw_norm"],
  olmo2: ["post_attention_norm", "post_ffw_norm"],
  seed_oss: ["attn_norm", "post_attention_norm"],
};

export function tinySpec(options: TinyOptions = {}): GgufSpec {
  const architecture = options.architecture ?? "llama";
  const type = options.type ?? "Q4_1";
  const sizes = options.sizes ?? tiny;
  const { hidden, intermediate, headDim, heads, kvHeads } = sizes;
  const tensors: GgufTensorSpec[] = [
    tinyTensor("token_embd.weight", [tokens.length, hidden], options.embeddingType ?? "Q8_0"),
    tinyTensor("output_norm.weight", [hidden]),
  ];
  if (options.tied === false) tensors.push(tinyTensor("output.weight", [tokens.length, hidden], type));
  for (let layer = 0; layer < sizes.layers; layer++) {
    const add = (name: string, shape: readonly number[], as: TinyType) =>
      tensors.push(tinyTensor(`blk.${layer}.${name}`, shape, as, 10 * layer + 3));
    const [queries, keys] = [heads * headDim, kvHeads * headDim];
    for (const norm of normNames[architecture] ?? ["attn_norm", "ffn_norm"]) add(`${norm}.weight`, [hidden], "F32");
    if (architecture === "phi3") {
      add("attn_qkv.weight", [queries + 2 * keys, hidden], type);
      add("ffn_up.weight", [2 * intermediate, hidden], type);
    } else {
      add("attn_q.weight", [queries, hidden], type);
      add("attn_k.weight", [keys, hidden], type);
      add("attn_v.weight", [keys, hidden], type);
      add("ffn_gate.weight", [intermediate, hidden], type);
      add("ffn_up.weight", [intermediate, hidden], type);
    }
    add("attn_output.weight", [hidden, queries], type);
    add("ffn_down.weight", [hidden, intermediate], type);
    if (architecture === "qwen2" || architecture === "seed_oss") {
      add("attn_q.bias", [queries], "F32");
      add("attn_k.bias", [keys], "F32");
      add("attn_v.bias", [keys], "F32");
    }
    if (architecture === "qwen3" || architecture === "gemma3" || architecture === "olmo2") {
      const wholeProjection = architecture === "olmo2";
      add("attn_q_norm.weight", [wholeProjection ? queries : headDim], "F32");
      add("attn_k_norm.weight", [wholeProjection ? keys : headDim], "F32");
    }
  }
  const metadata = { ...tinyMetadata(architecture, sizes), ...options.metadata };
  return {
    metadata: Object.fromEntries(Object.entries(metadata).flatMap(([key, entry]) => (entry ? [[key, entry]] : []))),
    tensors: options.tensors?.(tensors) ?? tensors,
  };
}

export function tinyGguf(options: TinyOptions = {}): Buffer {
  return buildGguf(tinySpec(options));
}

function tinyMetadata(architecture: string, sizes: TinySizes): Readonly<Record<string, GgufEntry>> {
  return {
    "general.architecture": text(architecture),
    [`${architecture}.block_count`]: u32(sizes.layers),
    [`${architecture}.context_length`]: u32(sizes.context),
    [`${architecture}.embedding_length`]: u32(sizes.hidden),
    [`${architecture}.feed_forward_length`]: u32(sizes.intermediate),
    [`${architecture}.attention.head_count`]: u32(sizes.heads),
    [`${architecture}.attention.head_count_kv`]: u32(sizes.kvHeads),
    [`${architecture}.attention.layer_norm_rms_epsilon`]: f32(1e-5),
    [`${architecture}.rope.freq_base`]: f32(100_000),
    "tokenizer.ggml.model": text("gpt2"),
    "tokenizer.ggml.pre": text(architecture.startsWith("qwen") ? "qwen2" : "smollm"),
    "tokenizer.ggml.tokens": texts(tokens),
    "tokenizer.ggml.token_type": i32s(tokens.map((_, id) => (id < 3 ? 3 : id === 3 ? 4 : 1))),
    "tokenizer.ggml.merges": texts(merges),
    "tokenizer.ggml.bos_token_id": u32(1),
    "tokenizer.ggml.eos_token_id": u32(2),
    "tokenizer.ggml.add_bos_token": flag(false),
    "tokenizer.chat_template": text(chatTemplate),
  };
}
