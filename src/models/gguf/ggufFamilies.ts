/** The architectures of GGUF that can be imported: how their tensors are named, and in what they differ. */

export interface GgufFamily {
  readonly architecture: ImportArchitecture;
  /** Names of a layer's norms in GGUF and in MLX. */
  readonly norms: readonly (readonly [from: string, to: string])[];
  /** Norms of queries and keys: none, one for a head, or one for all heads together. */
  readonly headNorms: "none" | "head" | "projection";
  /** q, k and v are one matrix, and gate and up are another. */
  readonly isFused: boolean;
  /** llama.cpp stores the rows of q and k so that rotated pairs are neighbours. */
  readonly permutesHeads: boolean;
  /** llama.cpp adds 1 to the norms' weights; MLX adds it when it computes. */
  readonly normsAroundOne: boolean;
  readonly biases: {
    readonly qkv: "never" | "optional" | "always";
    /** "as qkv": with the other three or not at all. */
    readonly output: "never" | "as qkv" | "optional";
    readonly mlp: boolean;
  };
}

export type ImportArchitecture =
  | "llama"
  | "mistral3"
  | "qwen2"
  | "qwen3"
  | "gemma3"
  | "phi3"
  | "smollm3"
  | "granite"
  | "olmo2"
  | "seed_oss";

const llama: GgufFamily = {
  architecture: "llama",
  norms: [
    ["attn_norm", "input_layernorm"],
    ["ffn_norm", "post_attention_layernorm"],
  ],
  headNorms: "none",
  isFused: false,
  permutesHeads: true,
  normsAroundOne: false,
  biases: { qkv: "optional", output: "as qkv", mlp: true },
};
const noBiases = { qkv: "never", output: "never", mlp: false } as const;

const families: Readonly<Record<ImportArchitecture, GgufFamily>> = {
  llama,
  mistral3: { ...llama, architecture: "mistral3", biases: noBiases },
  smollm3: { ...llama, architecture: "smollm3" },
  granite: { ...llama, architecture: "granite" },
  qwen2: {
    ...llama,
    architecture: "qwen2",
    permutesHeads: false,
    biases: { qkv: "always", output: "never", mlp: false },
  },
  qwen3: {
    ...llama,
    architecture: "qwen3",
    headNorms: "head",
    permutesHeads: false,
    biases: { qkv: "optional", output: "never", mlp: false },
  },
  gemma3: {
    architecture: "gemma3",
    norms: [
      ["attn_norm", "input_layernorm"],
      ["post_attention_norm", "post_attention_layernorm"],
      ["ffn_norm", "pre_feedforward_layernorm"],
      ["post_ffw_norm", "post_feedforward_layernorm"],
    ],
    headNorms: "head",
    isFused: false,
    permutesHeads: false,
    normsAroundOne: true,
    biases: noBiases,
  },
  phi3: { ...llama, architecture: "phi3", isFused: true, permutesHeads: false, biases: noBiases },
  olmo2: {
    ...llama,
    architecture: "olmo2",
    norms: [
      ["post_attention_norm", "post_attention_layernorm"],
      ["post_ffw_norm", "post_feedforward_layernorm"],
    ],
    headNorms: "projection",
    permutesHeads: false,
    biases: { qkv: "optional", output: "as qkv", mlp: false },
  },
  seed_oss: {
    ...llama,
    architecture: "seed_oss",
    norms: [
      ["attn_norm", "input_layernorm"],
      ["post_attention_norm", "post_attention_layernorm"],
    ],
    permutesHeads: false,
    biases: { qkv: "optional", output: "optional", mlp: false },
  },
};

export const importArchitectures: readonly string[] = Object.keys(families);

/** By the name in the file. */
export function familyOf(architecture: string): GgufFamily | undefined {
  return Object.values(families).find((family) => family.architecture === architecture);
}
