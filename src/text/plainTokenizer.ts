import { isObject, type JsonObject, listOf, objectOf, tokenText } from "./json";

/**
 * A tokenizer.json changed so that nothing in a text can become one of `removed`: neither as an added token nor as a
 * word of the vocabulary nor by merging. (The library recognises added tokens in every text and has no option
 * against it.)
 */
export function withoutTokens(tokenizer: JsonObject, removed: ReadonlySet<string>): JsonObject {
  const model = objectOf(tokenizer["model"]);
  const vocabulary = objectOf(model["vocab"]);
  const kept: Record<string, unknown> = Object.create(null);
  for (const [token, id] of Object.entries(vocabulary)) if (!removed.has(token)) kept[token] = id;
  const merges = listOf(model["merges"]).filter((merge) => !removed.has(mergedText(merge)));
  return {
    ...tokenizer,
    added_tokens: listOf(tokenizer["added_tokens"]).filter((token) => !removed.has(tokenText(token) ?? "")),
    pre_tokenizer: exactWhiteSpace(tokenizer["pre_tokenizer"]),
    post_processor: null,
    model: { ...model, vocab: kept, merges },
  };
}

/** Merges are "a b" or ["a", "b"]. */
function mergedText(merge: unknown): string {
  return typeof merge === "string" ? merge.replace(" ", "") : listOf(merge).join("");
}

const gpt2Pattern = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

/**
 * The library's built-in byte-level pattern uses JavaScript's idea of white space (U+FEFF is, U+0085 is not); its Split
 * uses Unicode's, as the original does. The same pattern as a Split.
 */
function exactWhiteSpace(preTokenizer: unknown): unknown {
  if (!isObject(preTokenizer)) return preTokenizer;
  if (preTokenizer["type"] === "Sequence") {
    return { ...preTokenizer, pretokenizers: listOf(preTokenizer["pretokenizers"]).map(exactWhiteSpace) };
  }
  const isPlain = preTokenizer["add_prefix_space"] !== true && preTokenizer["use_regex"] !== false;
  if (preTokenizer["type"] !== "ByteLevel" || !isPlain) return preTokenizer;
  const split = { type: "Split", pattern: { Regex: gpt2Pattern }, behavior: "Isolated", invert: false };
  return { type: "Sequence", pretokenizers: [split, { ...preTokenizer, use_regex: false }] };
}

/**
 * The same for a text that continues another one: no space symbol is put before it. `undefined`: there is no
 * difference.
 */
export function forContinuation(tokenizer: JsonObject): JsonObject | undefined {
  const changed = continuationOf(tokenizer["pre_tokenizer"]);
  return changed === undefined ? undefined : { ...tokenizer, pre_tokenizer: changed };
}

function continuationOf(preTokenizer: unknown): JsonObject | undefined {
  if (!isObject(preTokenizer)) return undefined;
  if (preTokenizer["type"] === "Metaspace" && preTokenizer["prepend_scheme"] === "first") {
    return { ...preTokenizer, prepend_scheme: "never" };
  }
  if (preTokenizer["type"] !== "Sequence") return undefined;
  const parts = listOf(preTokenizer["pretokenizers"]);
  const changed = parts.map(continuationOf);
  if (changed.every((part) => part === undefined)) return undefined;
  return { ...preTokenizer, pretokenizers: parts.map((part, i) => changed[i] ?? part) };
}
