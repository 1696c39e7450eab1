import { isList, isObject } from "./schemaKeywords";
import type { JsonValue } from "./schemaShape";

const mostConstants = 1000;
const mostConstantLetters = 50_000;

/**
 * The values that enum and const leave, of these types (`undefined`: of any). `undefined`: more, or longer ones, than a
 * grammar lists.
 */
export function constantsOf(
  list: readonly unknown[] | undefined,
  one: unknown,
  types: readonly string[] | undefined,
): readonly JsonValue[] | undefined {
  if (list !== undefined && list.length > mostConstants) return undefined;
  const texts = new Set<string>();
  const only = one === undefined ? undefined : textOf(one);
  for (const value of list ?? [one]) {
    if (types !== undefined && !types.some((type) => isOfType(value, type))) continue;
    const text = textOf(value);
    if (text !== undefined && (only === undefined || text === only)) texts.add(text);
  }
  let letters = 0;
  for (const { length } of texts) letters += length;
  if (letters > mostConstantLetters) return undefined;
  return Array.from(texts, (text): JsonValue => JSON.parse(text));
}

/** Its JSON. `undefined` for a value that is none. */
function textOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "integer":
      return Number.isInteger(value);
    case "array":
      return isList(value);
    case "object":
      return isObject(value);
    default:
      return typeof value === type;
  }
}
