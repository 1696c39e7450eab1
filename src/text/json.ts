/** Reading what a model's files say: nothing is assumed about a parsed JSON value. */

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The member as an object; `{}` where it is none. */
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
