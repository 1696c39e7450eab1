/** Reading JSON that a disk may have changed: every value is checked, nothing is cast. */

export type JsonObject = { readonly [key: string]: unknown };

/** Thrown by the readers below; callers turn it into a refusal or an error with a path. */
export class MalformedJson extends Error {}

export function parseObject(text: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MalformedJson("not JSON");
  }
  return asObject(value, "the document");
}

export function asObject(value: unknown, name: string): JsonObject {
  if (!isObject(value)) throw new MalformedJson(`${name} is not an object`);
  return value;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function readString(object: JsonObject, key: string): string {
  const value = object[key];
  if (typeof value !== "string") throw new MalformedJson(`${key} is not a string`);
  return value;
}

export function readOptionalString(object: JsonObject, key: string): string | undefined {
  return object[key] === undefined ? undefined : readString(object, key);
}

export function readNumber(object: JsonObject, key: string): number {
  const value = object[key];
  if (typeof value !== "number" || !Number.isFinite(value)) throw new MalformedJson(`${key} is not a number`);
  return value;
}

/** An integer ≥ 0. */
export function readCount(object: JsonObject, key: string): number {
  const value = readNumber(object, key);
  if (!Number.isSafeInteger(value) || value < 0) throw new MalformedJson(`${key} is not a count`);
  return value;
}

export function readStrings(object: JsonObject, key: string): readonly string[] {
  const value = object[key];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) {
    throw new MalformedJson(`${key} is not a list of strings`);
  }
  return value;
}

export function readCounts(object: JsonObject, key: string): readonly number[] {
  const value = object[key];
  if (!Array.isArray(value) || !value.every((item) => Number.isSafeInteger(item) && item >= 0)) {
    throw new MalformedJson(`${key} is not a list of counts`);
  }
  return value;
}

export function readOneOf<T extends string>(object: JsonObject, key: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === object[key]);
  if (found === undefined) throw new MalformedJson(`${key} is none of ${choices.join(", ")}`);
  return found;
}
