/** The words of JSON schema (drafts 4 to 2020-12) that decide what fits. All others only describe. */

export type Keywords = Readonly<Record<string, unknown>>;

/** Followed by a shape, for values of one type. */
export const keywordsOfType = {
  object: ["properties", "required", "additionalProperties", "unevaluatedProperties"],
  array: ["items", "prefixItems", "additionalItems", "unevaluatedItems", "minItems", "maxItems"],
  string: ["minLength", "maxLength"],
  number: ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"],
} as const;

/** Not followed: a shape allows more than they do. */
export const looseKeywordsOfType = {
  object: [
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "dependentSchemas",
    "dependencies",
  ],
  array: ["contains", "minContains", "maxContains", "uniqueItems"],
  string: ["pattern", "format"],
  number: ["multipleOf"],
} as const;

export const looseKeywords = ["not", "if", "$dynamicRef", "$recursiveRef"] as const;

const followed = ["$ref", "allOf", "anyOf", "oneOf", "enum", "const", "type"] as const;

const deciding: ReadonlySet<string> = new Set([
  ...followed,
  ...looseKeywords,
  ...Object.values(keywordsOfType).flat(),
  ...Object.values(looseKeywordsOfType).flat(),
]);

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

/** What decides in a schema: its descriptions never change a grammar. */
export function decidingKeywords(schema: Readonly<Record<string, unknown>>): Keywords {
  return Object.fromEntries(
    Object.entries(schema).filter(([key, value]) => deciding.has(key) && !saysNothing(key, value)),
  );
}

/** Written out, and the same as left out. */
function saysNothing(key: string, value: unknown): boolean {
  if (value === undefined) return true;
  if (key === "uniqueItems") return value === false;
  if (key === "minProperties" || key === "minItems" || key === "minLength") return value === 0;
  return key === "required" && isList(value) && value.length === 0;
}
