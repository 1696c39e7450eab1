/** Reads JSON that may be damaged: checks every value and casts nothing. */

export type JsonObject = { readonly [key: string]: unknown };

/** Thrown by the readers below; callers turn it into a refusal or an error with a path. */
export class MalformedJson extends Error {}

/** This program writes nothing that is nested even a tenth as deep. */
const maxDepth = 100;

export function parseObject(text: string): JsonObject {
  if (isDeeperThan(maxDepth, text)) throw new MalformedJson(`it is nested deeper than ${maxDepth} levels`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new MalformedJson("not JSON");
  }
  return asObject(value, "the document");
}

/**
 * Whether brackets outside of strings are nested deeper than `levels`. Scans the text, since parsing may recurse too
 * deep.
 */
function isDeeperThan(levels: number, text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      at = endOfString(text, at);
    } else if (code === openBracket || code === openBrace) {
      depth += 1;
      if (depth > levels) return true;
    } else if (code === closeBracket || code === closeBrace) {
      depth -= 1;
    }
  }
  return false;
}

/** Position of the quote that ends the string that begins at `start`; the text's length when there is none. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slash = end;
    while (text.charCodeAt(slash - 1) === backslash) slash -= 1;
    if ((end - slash) % 2 === 0) return end;
  }
  return text.length;
}

const [quote, backslash, openBracket, closeBracket, openBrace, closeBrace] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d];

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

/** An object whose values are all numbers. */
export function readNumbers(object: JsonObject, key: string): Readonly<Record<string, number>> {
  const numbers = asObject(object[key], key);
  return Object.fromEntries(Object.keys(numbers).map((name) => [name, readNumber(numbers, name)]));
}

/** An integer ≥ 0. */
export function readCount(object: JsonObject, key: string): number {
  const value = readNumber(object, key);
  if (!Number.isSafeInteger(value) || value < 0) throw new MalformedJson(`${key} is not a count`);
  return value;
}

export function readList(object: JsonObject, key: string): readonly unknown[] {
  const value = object[key];
  if (!Array.isArray(value)) throw new MalformedJson(`${key} is not a list`);
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
  if (found === undefined) throw new MalformedJson(`${key} is not one of ${choices.join(", ")}`);
  return found;
}
