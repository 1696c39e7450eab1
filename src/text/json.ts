/** Reads parsed JSON of a model's files without assumptions about its values. */
import type { JsonObject } from "../common/tools";

export type { JsonObject } from "../common/tools";

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member as an object; `{}` when it is not one. */
export function objectOf(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Token settings are a text or an object with a `content`. */
export function tokenText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  const content = objectOf(value)["content"];
  return typeof content === "string" ? content : undefined;
}
