import { type JsonObject, listOf, objectOf, tokenText } from "../../../src/text/json";

/** A tokenizer.json for the library in which nothing in a text can become one of `removed`. */
export function withoutTokens(tokenizer: JsonObject, removed: ReadonlySet<string>): JsonObject {
  const model = objectOf(tokenizer["model"]);
  const kept = Object.entries(objectOf(model["vocab"])).filter(([token]) => !removed.has(token));
  const merges = listOf(model["merges"]).filter((merge) => !removed.has(mergedText(merge)));
  return {
    ...tokenizer,
    added_tokens: listOf(tokenizer["added_tokens"]).filter((token) => !removed.has(tokenText(token) ?? "")),
    post_processor: null,
    model: { ...model, vocab: Object.fromEntries(kept), merges },
  };
}

/** Merges are "a b" or ["a", "b"]. */
function mergedText(merge: unknown): string {
  return typeof merge === "string" ? merge.replace(" ", "") : listOf(merge).join("");
}
