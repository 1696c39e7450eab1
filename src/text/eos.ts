import { listOf, objectOf, tokenText } from "./json";

/**
 * Every id that ends an answer: `eos_token_id` (a number or a list) of generation_config.json and config.json, and the
 * tokenizer's `eos_token`.
 */
export function eosIds(
  files: { readonly config: unknown; readonly generationConfig?: unknown; readonly tokenizerConfig: unknown },
  idOf: (token: string) => number | undefined,
): readonly number[] {
  const ids = new Set<number>();
  for (const file of [files.generationConfig, files.config]) {
    const value = objectOf(file)["eos_token_id"];
    for (const id of Array.isArray(value) ? listOf(value) : [value]) {
      if (typeof id === "number" && Number.isInteger(id) && id >= 0) ids.add(id);
    }
  }
  const token = tokenText(objectOf(files.tokenizerConfig)["eos_token"]);
  const id = token === undefined ? undefined : idOf(token);
  if (id !== undefined) ids.add(id);
  return [...ids];
}
