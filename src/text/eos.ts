import { listOf, objectOf, tokenText } from "./json";

/**
 * Every id that ends an answer: the union of `eos_token_id` (a number or a list) of generation_config.json and of
 * config.json, and of the tokenizer's `eos_token`. Files disagree where a base model's was kept beside a chat model's: an
 * answer that ends at one id too many is whole, one that misses its end goes on for ever. What is no id of the model's
 * vocabulary is left out: the engine would refuse every request that names it.
 */
export function eosIds(
  files: { readonly config: unknown; readonly generationConfig?: unknown; readonly tokenizerConfig: unknown },
  idOf: (token: string) => number | undefined,
): readonly number[] {
  const token = tokenText(objectOf(files.tokenizerConfig)["eos_token"]);
  const named = [
    ...listed(objectOf(files.generationConfig)["eos_token_id"]),
    ...listed(objectOf(files.config)["eos_token_id"]),
    token === undefined ? undefined : idOf(token),
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
