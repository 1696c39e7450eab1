import { corrupt, unsupported } from "./importErrors";
import type { Metadata } from "./metadata";

/**
 * How a text is cut before merging, by the name that GGUF gives it (`tokenizer.ggml.pre`). Patterns are those of the
 * original tokenizers' own files.
 */
export interface PreTokenizer {
  readonly patterns: readonly string[];
  readonly normalizer: "NFC" | undefined;
  /** A word that is in the vocabulary is taken whole, whatever the merges say. */
  readonly ignoreMerges: boolean;
  readonly addsBos: boolean;
}

const gpt2Pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
const contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
const wordsAndSpaces = (digits: string) =>
  `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;

const gpt2: PreTokenizer = { patterns: [gpt2Pattern], normalizer: undefined, ignoreMerges: false, addsBos: false };
/** Digits singly, then as GPT-2. */
const smollm: PreTokenizer = { ...gpt2, patterns: ["\\p{N}", gpt2Pattern] };
const llama3: PreTokenizer = {
  patterns: [wordsAndSpaces("\\p{N}{1,3}")],
  normalizer: undefined,
  ignoreMerges: true,
  addsBos: true,
};
const qwen2: PreTokenizer = {
  patterns: [wordsAndSpaces("\\p{N}")],
  normalizer: "NFC",
  ignoreMerges: false,
  addsBos: false,
};

/** Llama 3's cuts, by merges alone. */
const dbrx: PreTokenizer = { ...llama3, ignoreMerges: false, addsBos: false };
const casedWords = (contraction: string) =>
  `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+${contraction}|` +
  `[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*${contraction}`;
const casedWordsAndSpaces = (contraction: string, digits: string) =>
  `${casedWords(contraction)}|${digits}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`;
const tekken: PreTokenizer = { ...llama3, patterns: [casedWordsAndSpaces("", "\\p{N}")] };
const gpt4o: PreTokenizer = { ...dbrx, patterns: [casedWordsAndSpaces(`${contractions}?`, "\\p{N}{1,3}")] };
const seedCoder: PreTokenizer = {
  ...dbrx,
  patterns: [
    `${contractions}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+`,
  ],
};

const known: ReadonlyMap<string, PreTokenizer> = new Map([
  ["gpt-2", gpt2],
  ["smollm", smollm],
  ["llama-bpe", llama3],
  ["llama3", llama3],
  ["llama-v3", llama3],
  ["qwen2", qwen2],
  ["deepseek-r1-qwen", { ...qwen2, normalizer: undefined }],
  ["dbrx", dbrx],
  ["smaug-bpe", dbrx],
  ["tekken", tekken],
  ["gpt-4o", gpt4o],
  ["refact", smollm],
  ["starcoder", smollm],
  ["seed-coder", seedCoder],
]);

/** How a file's vocabulary cuts texts: byte-level BPE, or SentencePiece's with bytes for what has no piece. */
export type TokenizerKind =
  | { readonly kind: "byteLevel"; readonly preTokenizer: PreTokenizer }
  | { readonly kind: "sentencePiece"; readonly addsBos: boolean; readonly prefixesSpace: boolean };

/** Refuses by name what cannot be written as a `tokenizer.json`. */
export function tokenizerKindOf(metadata: Metadata): TokenizerKind {
  const model = metadata.string("tokenizer.ggml.model");
  if (model === undefined) throw corrupt("the metadata entry tokenizer.ggml.model is missing");
  if (model === "gpt2") return { kind: "byteLevel", preTokenizer: preTokenizerOf(metadata) };
  if (model === "llama") {
    return {
      kind: "sentencePiece",
      addsBos: metadata.boolean("tokenizer.ggml.add_bos_token") ?? true,
      prefixesSpace: metadata.boolean("tokenizer.ggml.add_space_prefix") ?? true,
    };
  }
  throw unsupported(
    `the tokenizer ${model} is not supported`,
    model,
    "use a model with a byte-level BPE or a SentencePiece BPE tokenizer (gpt2 or llama in GGUF's words)",
  );
}

function preTokenizerOf(metadata: Metadata): PreTokenizer {
  const name = metadata.string("tokenizer.ggml.pre") ?? "default";
  const found = known.get(name);
  if (found !== undefined) return found;
  throw unsupported(
    `the pre-tokenizer ${name} is not known`,
    name,
    `use a model with one of ${[...known.keys()].join(", ")}`,
  );
}
