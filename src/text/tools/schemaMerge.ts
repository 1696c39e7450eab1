import { isList, isObject, type Keywords } from "./schemaKeywords";

/** Told of a keyword whose second value is left out, so that the result allows more. */
export type Say = (keyword: string) => void;

/** What fits both, as the keywords of one schema; `false`: nothing does. */
export function mergeKeywords(a: Keywords | false, b: Keywords | false, say: Say): Keywords | false {
  if (a === false || b === false) return false;
  const merged: Record<string, unknown> = { ...a };
  for (const [key, value] of Object.entries(b)) {
    if (!Object.hasOwn(merged, key)) merged[key] = value;
    else {
      const both = mergeValues(key, merged[key], value, say);
      if (both === undefined) return false;
      merged[key] = both;
    }
  }
  if (isObject(a["properties"]) || isObject(b["properties"])) merged["properties"] = mergeProperties(a, b);
  return merged;
}

/** `undefined`: nothing fits both. */
function mergeValues(key: string, a: unknown, b: unknown, say: Say): unknown {
  switch (key) {
    case "type":
      return mergeTypes(a, b);
    case "required":
      return [...new Set([...listOf(a), ...listOf(b)])];
    case "enum":
      return shared(listOf(a), listOf(b));
    case "const":
      return shared([a], [b])?.[0];
    case "minimum":
    case "minItems":
    case "minLength":
      return typeof a === "number" && typeof b === "number" ? Math.max(a, b) : a;
    case "maximum":
    case "maxItems":
    case "maxLength":
      return typeof a === "number" && typeof b === "number" ? Math.min(a, b) : a;
    case "exclusiveMinimum":
    case "exclusiveMaximum":
      return mergeExclusive(key, a, b, say);
    case "items":
    case "additionalProperties":
    case "unevaluatedProperties":
      if (isList(a) || isList(b)) break;
      return a === false || b === false ? false : { allOf: [a, b] };
    case "properties":
      return a;
    default:
  }
  if (sameJson(a, b)) return a;
  say(key);
  return a;
}

/** Numbers since draft 6. In draft 4 they are true or false and belong to the bound next to them. */
function mergeExclusive(key: string, a: unknown, b: unknown, say: Say): unknown {
  if (typeof a === "number" && typeof b === "number") {
    return key === "exclusiveMinimum" ? Math.max(a, b) : Math.min(a, b);
  }
  if (a !== b) say(key);
  return a;
}

/** Of a schema without other properties, those that only the other one knows are not among the properties. */
function mergeProperties(a: Keywords, b: Keywords): Keywords {
  const ofA = isObject(a["properties"]) ? a["properties"] : {};
  const ofB = isObject(b["properties"]) ? b["properties"] : {};
  const names = new Set([...Object.keys(ofA), ...Object.keys(ofB)]);
  return Object.fromEntries(
    Array.from(names, (name) => {
      const parts = [inside(a, ofA, name), inside(b, ofB, name)].filter((part) => part !== true);
      return [name, parts.includes(false) ? false : parts.length === 1 ? parts[0] : { allOf: parts }];
    }),
  );
}

function inside({ additionalProperties }: Keywords, properties: Keywords, name: string): unknown {
  if (Object.hasOwn(properties, name)) return properties[name];
  return additionalProperties ?? true;
}

function mergeTypes(a: unknown, b: unknown): unknown {
  const ofA = listOf(a);
  const ofB = listOf(b);
  const both = ofA.filter((type) => ofB.includes(type));
  const isNumber = (types: readonly unknown[]) => types.includes("number");
  if (!both.includes("integer") && !both.includes("number")) {
    if (ofA.includes("integer") && isNumber(ofB)) both.push("integer");
    if (ofB.includes("integer") && isNumber(ofA)) both.push("integer");
  }
  return both.length === 0 ? undefined : both;
}

function shared(a: readonly unknown[], b: readonly unknown[]): readonly unknown[] | undefined {
  const ofB = new Set(b.map((value) => jsonOf(value)));
  const both = a.filter((value) => ofB.has(jsonOf(value)));
  return both.length === 0 ? undefined : both;
}

function listOf(value: unknown): readonly unknown[] {
  return isList(value) ? value : [value];
}

function sameJson(a: unknown, b: unknown): boolean {
  return a === b || jsonOf(a) === jsonOf(b);
}

/** Throws no error for values that are no JSON: they are like nothing else. */
function jsonOf(value: unknown): unknown {
  try {
    return JSON.stringify(value);
  } catch {
    return value;
  }
}
