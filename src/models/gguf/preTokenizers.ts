import { corrupt, unsupported } from "./importErrors";

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

const known: ReadonlyMap<string, PreTokenizer> = new Map([
  ["gpt-2", gpt2],
  ["smollm", smollm],
  ["llama-bpe", llama3],
  ["llama3", llama3],
  ["llama-v3", llama3],
  ["qwen2", qwen2],
]);

/** `model`: `tokenizer.ggml.model`; `pre`: `tokenizer.ggml.pre`. */
export function preTokenizerOf(model: string | undefined, pre: string | undefined): PreTokenizer {
  if (model === undefined) throw corrupt("the metadata entry tokenizer.ggml.model is missing");
  if (model !== "gpt2") {
    throw unsupported(
      `the tokenizer ${model} is not supported`,
      model,
      "use a model with a byte-level BPE tokenizer (gpt2 in GGUF's words)",
    );
  }
  const name = pre ?? "default";
  const found = known.get(name);
  if (found !== undefined) return found;
  throw unsupported(
    `the pre-tokenizer ${name} is not known`,
    name,
    `use a model with one of ${[...known.keys()].join(", ")}`,
  );
}
