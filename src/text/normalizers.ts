import { isObject, listOf } from "./json";

/** A `normalizer` without what it puts before a text: for a text in the middle of a section. */
export function withoutPrepend(normalizer: unknown): unknown {
  if (!isObject(normalizer)) return null;
  if (normalizer["type"] === "Prepend") return null;
  if (normalizer["type"] !== "Sequence") return normalizer;
  const normalizers = listOf(normalizer["normalizers"]).map(withoutPrepend);
  return { ...normalizer, normalizers: normalizers.filter((part) => part !== null) };
}
