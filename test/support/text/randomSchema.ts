import type { Random } from "../random";

const names = ["path", "content", "from", "to", "a b", "x-y", "items", "kind", "ü", "type"];
const words = ["", "a", "read", 'quo"te', "back\\slash", "line\nend", "ключ", "\u{1f600}", "x".repeat(30)];

/** A schema as authors of tools write them, with everything that this program follows and much that it does not. */
export function randomSchema(random: Random, depth = 3): unknown {
  const leaf = () => random.pick([anyString, anyNumber, anyInteger, anyEnum, anyConst, simple])(random);
  if (depth === 0) return leaf();
  const inner = () => randomSchema(random, depth - 1);
  switch (random.below(9)) {
    case 0:
    case 1:
    case 2:
      return randomObject(random, inner);
    case 3:
      return randomArray(random, inner);
    case 4:
      return { [random.pick(["anyOf", "oneOf"])]: Array.from({ length: 1 + random.below(3) }, inner) };
    case 5:
      return { allOf: [randomObject(random, inner, false), randomObject(random, inner, false)] };
    case 6:
      return { ...randomObject(random, inner), anyOf: [{ required: [random.pick(names)] }, {}] };
    default:
      return leaf();
  }
}

/** With definitions that refer to each other and to the whole. */
export function randomDocument(random: Random): unknown {
  const refs = ["#/$defs/a", "#/$defs/b", "#"];
  const replace = (schema: unknown): unknown => {
    if (typeof schema !== "object" || schema === null) return schema;
    if (Array.isArray(schema)) return schema.map(replace);
    return Object.fromEntries(
      Object.entries(schema).map(([key, value]) => {
        const isPlace = key === "items" || key === "additionalProperties";
        if (isPlace && random.below(4) === 0) return [key, { $ref: random.pick(refs) }];
        if (key !== "properties" || typeof value !== "object" || value === null) return [key, replace(value)];
        const properties = Object.entries(value).map(([name, one]) => [
          name,
          random.below(5) === 0 ? { $ref: random.pick(refs), description: "again" } : replace(one),
        ]);
        return [key, Object.fromEntries(properties)];
      }),
    );
  };
  const root = replace(randomObject(random, () => randomSchema(random, 2)));
  return { ...Object(root), $defs: { a: replace(randomSchema(random, 2)), b: replace(randomSchema(random, 1)) } };
}

/** Says in words whether it has other properties: only then both ways of reading it agree. */
function randomObject(random: Random, inner: () => unknown, mayClose = true) {
  const chosen = random.sample(names, random.below(5));
  const open = random.below(6);
  return {
    type: "object",
    description: random.pick(words),
    properties: Object.fromEntries(chosen.map((name) => [name, inner()])),
    ...(random.below(3) > 0 ? { required: random.sample(chosen, random.below(chosen.length + 1)) } : {}),
    additionalProperties: open === 0 ? inner() : open === 1 || !mayClose,
  };
}

function randomArray(random: Random, inner: () => unknown) {
  const least = random.below(3);
  return {
    type: "array",
    ...(random.below(4) === 0 ? { prefixItems: [inner(), inner()] } : {}),
    ...(random.below(5) === 0 ? {} : { items: inner() }),
    ...(random.below(2) === 0 ? { minItems: least } : {}),
    ...(random.below(2) === 0 ? { maxItems: least + random.below(3) } : {}),
    ...(random.below(8) === 0 ? { uniqueItems: true } : {}),
  };
}

function anyString(random: Random) {
  const least = random.below(3);
  return {
    type: "string",
    ...(random.below(3) === 0 ? { minLength: least } : {}),
    ...(random.below(3) === 0 ? { maxLength: least + random.below(20) } : {}),
    ...(random.below(10) === 0 ? { pattern: "^a" } : {}),
  };
}

function anyNumber(random: Random) {
  const least = random.pick([-1000, -3, -1, 0, 0.5, 1, 7, 99, 100]);
  return {
    type: "number",
    ...(random.below(3) === 0 ? { [random.pick(["minimum", "exclusiveMinimum"])]: least } : {}),
    ...(random.below(3) === 0
      ? { [random.pick(["maximum", "exclusiveMaximum"])]: least + random.pick([1, 2, 50, 1e6]) }
      : {}),
    ...(random.below(10) === 0 ? { multipleOf: 0.5 } : {}),
  };
}

function anyInteger(random: Random) {
  return { ...anyNumber(random), type: "integer", multipleOf: 1 };
}

function anyEnum(random: Random) {
  const isTyped = random.below(2) === 0;
  const values = isTyped ? random.sample(words, 1 + random.below(4)) : [1, "one", null, true, { a: [1] }];
  return { ...(isTyped ? { type: "string" } : {}), enum: values };
}

function anyConst(random: Random) {
  return { const: random.pick<unknown>([1, -2.5, "x", null, false, [1, "a"], { k: "v" }]) };
}

function simple(random: Random) {
  return random.pick<unknown>([
    true,
    {},
    { type: "null" },
    { type: "boolean" },
    { type: ["string", "null"] },
    { type: ["integer", "string"] },
  ]);
}

interface Keywords {
  readonly [key: string]: unknown;
}

/** A value that may well fit the schema: a validator decides. Has no properties that the schema does not speak of. */
export function randomInstance(random: Random, root: unknown, schema: unknown = root, depth = 5): unknown {
  if (typeof schema !== "object" || schema === null || depth < -20) return random.pick<unknown>(["x", 1, null]);
  const keywords: Keywords = { ...schema };
  const again = (one: unknown) => randomInstance(random, root, one, depth - 1);
  if (typeof keywords["$ref"] === "string") return again(followed(root, keywords["$ref"]));
  if (Array.isArray(keywords["allOf"])) return merged(keywords["allOf"].map(again));
  for (const key of ["anyOf", "oneOf"]) {
    const list = keywords[key];
    if (Array.isArray(list) && keywords["properties"] === undefined) return again(random.pick<unknown>(list));
  }
  if (Array.isArray(keywords["enum"])) return random.pick<unknown>(keywords["enum"]);
  if ("const" in keywords) return keywords["const"];
  const { type } = keywords;
  switch (Array.isArray(type) ? random.pick<unknown>(type) : type) {
    case "string":
      return random.pick(words);
    case "integer":
      return random.below(20) - 5;
    case "number":
      return random.pick([random.below(200) - 100, random.below(2000) / 8, 0.25, 7]);
    case "boolean":
      return random.below(2) === 0;
    case "array": {
      const items = Array.isArray(keywords["prefixItems"]) ? keywords["prefixItems"].map(again) : [];
      const more = depth > 0 ? random.below(4) : 0;
      return [...items, ...Array.from({ length: more }, () => again(keywords["items"] ?? true))];
    }
    case "object":
      return instanceOfObject(random, keywords, again, depth);
    default:
      return random.pick<unknown>([null, "x", 3, [1], { y: 1 }]);
  }
}

function instanceOfObject(random: Random, keywords: Keywords, again: (schema: unknown) => unknown, depth: number) {
  const { properties, required, additionalProperties } = keywords;
  const must: readonly unknown[] = Array.isArray(required) ? required : [];
  const known = Object.entries(typeof properties === "object" && properties !== null ? properties : {});
  const chosen = known.filter(([name]) => must.includes(name) || (depth > 0 && random.below(2) === 0));
  const more =
    typeof additionalProperties === "object" && random.below(2) === 0 ? [["more", again(additionalProperties)]] : [];
  return Object.fromEntries([...chosen.map(([name, one]) => [name, again(one)]), ...more]);
}

function merged(parts: readonly unknown[]): unknown {
  return Object.assign({}, ...parts.map(Object));
}

function followed(root: unknown, ref: string): unknown {
  return ref
    .split("/")
    .slice(1)
    .reduce((at: unknown, step) => (typeof at === "object" && at !== null ? Reflect.get(at, step) : undefined), root);
}
