import { isObject, type JsonObject, listOf } from "../json";

/** Alternatives of one schema are followed so far; a schema may refer to itself. */
const mostBranches = 64;
const mostLinks = 256;

export const schemaTypes = ["string", "number", "integer", "boolean", "null", "array", "object"] as const;
export type SchemaType = (typeof schemaTypes)[number];

/** One of the forms that a value may have. */
export interface Branch {
  /** `undefined`: any. */
  readonly type: SchemaType | undefined;
  /** The values that are allowed. */
  readonly values: readonly unknown[] | undefined;
  readonly schema: JsonObject;
}

/**
 * The forms that `schema` allows: `anyOf`, `oneOf` and lists of types side by side, `$ref` and `allOf` followed. None:
 * nothing is known. Never throws, whatever the schema is.
 */
export function branchesOf(schema: unknown, root: JsonObject): readonly Branch[] {
  const branches: Branch[] = [];
  let links = 0;
  const visit = (given: unknown): void => {
    if (!isObject(given) || branches.length >= mostBranches || links >= mostLinks) return;
    links += 1;
    const inner = [...listOf(given["anyOf"]), ...listOf(given["oneOf"]), ...listOf(given["allOf"])];
    for (const alternative of inner) visit(alternative);
    const reference = given["$ref"];
    if (typeof reference === "string") visit(referred(root, reference));
    const types = typesIn(given);
    for (const type of types) branches.push({ type, values: valuesOf(given), schema: given });
    if (types.length === 0 && valuesOf(given) !== undefined) {
      branches.push({ type: undefined, values: valuesOf(given), schema: given });
    }
    if (given["nullable"] === true) branches.push({ type: "null", values: undefined, schema: {} });
  };
  visit(schema);
  return branches;
}

function typesIn(schema: JsonObject): readonly SchemaType[] {
  const given = schema["type"];
  const named = Array.isArray(given) ? listOf(given) : [given];
  const types = schemaTypes.filter((type) => named.includes(type));
  if (types.length > 0) return types;
  if (isObject(schema["properties"])) return ["object"];
  return schema["items"] === undefined ? [] : ["array"];
}

function valuesOf(schema: JsonObject): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, "const")) return [schema["const"]];
  const values = schema["enum"];
  return Array.isArray(values) ? listOf(values) : undefined;
}

/** A reference into the same schema: `#/$defs/name`. */
function referred(root: JsonObject, reference: string): unknown {
  if (!reference.startsWith("#")) return undefined;
  let place: unknown = root;
  for (const part of reference.slice(1).split("/").filter(Boolean)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (!isObject(place) || !Object.hasOwn(place, key)) return undefined;
    place = place[key];
  }
  return place;
}

/** The schema of a member of an object; `undefined`: nothing is known of it. */
export function memberSchema(schema: JsonObject, key: string): unknown {
  const properties = schema["properties"];
  if (isObject(properties) && Object.hasOwn(properties, key)) return properties[key];
  const others = schema["additionalProperties"];
  return isObject(others) ? others : undefined;
}

export function requiredOf(schema: JsonObject): readonly string[] {
  return listOf(schema["required"]).filter((key): key is string => typeof key === "string");
}
