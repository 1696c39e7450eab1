import { listOf, objectOf, tokenText } from "./json";

/**
 * Every id that ends an answer: the union of `eos_token_id` (a number or a list) of generation_config.json and of
 * config.json, and of the tokenizer's `eos_token`. The files disagree where one was copied from a base model. The union
 * is safe: an answer that misses its end never ends. Ids outside the model's vocabulary are left out, since the engine
 * refuses requests that name them. `ends`: tokens that end an answer with calls.
 */
export function eosIds(
  files: { readonly config: unknown; readonly generationConfig?: unknown; readonly tokenizerConfig: unknown },
  idOf: (token: string) => number | undefined,
  ends: readonly string[] = [],
): readonly number[] {
  const token = tokenText(objectOf(files.tokenizerConfig)["eos_token"]);
  const named = [
    ...listed(objectOf(files.generationConfig)["eos_token_id"]),
    ...listed(objectOf(files.config)["eos_token_id"]),
    ...[token, ...ends].map((end) => (end === undefined ? undefined : idOf(end))),
  ];
  const size = objectOf(files.config)["vocab_size"];
  const vocabSize = typeof size === "number" ? size : Number.POSITIVE_INFINITY;
  const isId = (value: unknown): value is number =>
    typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value < vocabSize;
  return [...new Set(named.filter(isId))];
}

function listed(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? listOf(value) : [value];
}
