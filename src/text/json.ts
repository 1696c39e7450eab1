/** Reads parsed JSON of a model's files without assumptions about its values. */
import { objectOf } from "../common/json";

export { isObject, listOf, objectOf } from "../common/json";
export type { JsonObject } from "../common/tools";

/** Token settings are a text or an object with a `content`. */
export function tokenText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const content = objectOf(value)["content"];
  return typeof content === "string" ? content : undefined;
}
