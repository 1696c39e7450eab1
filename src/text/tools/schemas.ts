import { isObject, type JsonObject, listOf } from "../json";
import { resolvePointer } from "./schemaPointer";

/** Alternatives of one schema are followed so far; a schema may refer to itself. */
const mostBranches = 64;
const mostLinks = 1024;

export const schemaTypes = ["string", "number", "integer", "boolean", "null", "array", "object"] as const;
export type SchemaType = (typeof schemaTypes)[number];

/** One of the forms that a value may have. */
export interface Branch {
  /** `undefined`: any. */
  readonly type: SchemaType | undefined;
  /** The values that are allowed. */
  readonly values: readonly unknown[] | undefined;
}

/**
 * The forms that `schema` allows: `anyOf`, `oneOf` and lists of types side by side, `$ref` and `allOf` followed. None:
 * nothing is known. Never throws, whatever the schema is.
 */
export function branchesOf(schema: unknown, root: JsonObject): readonly Branch[] {
  return isObject(schema) ? knownOf(schema, root).branches : [];
}

/** One of its alternatives says nothing, so a value may be anything. */
function hasFreeAlternative(part: JsonObject, root: JsonObject): boolean {
  if (branchesIn(part).length > 0) return false;
  return [...listOf(part["anyOf"]), ...listOf(part["oneOf"])].some((alternative) => {
    return alternative === true || (isObject(alternative) && partsOf(alternative, root).every(saysNothing));
  });
}

function saysNothing(part: JsonObject): boolean {
  return branchesIn(part).length === 0;
}

function branchesIn(part: JsonObject): readonly Branch[] {
  const values = valuesOf(part);
  const types: readonly (SchemaType | undefined)[] = typesIn(part);
  const known = types.length > 0 || values === undefined ? types : [undefined];
  const branches = known.map((type): Branch => ({ type, values }));
  return part["nullable"] === true ? [...branches, { type: "null", values: undefined }] : branches;
}

/** The schema and everything that it is made of. */
function partsOf(schema: unknown, root: JsonObject): readonly JsonObject[] {
  return linked(schema, (part) => [...alternativesIn(part), ...commonIn(part, root)]);
}

/** The schema and those that a value must fit as well. */
function commonPartsOf(schema: unknown, root: JsonObject): readonly JsonObject[] {
  return linked(schema, (part) => commonIn(part, root));
}

function alternativesIn(part: JsonObject): readonly unknown[] {
  return [...listOf(part["anyOf"]), ...listOf(part["oneOf"]), part["then"], part["else"]];
}

function commonIn(part: JsonObject, root: JsonObject): readonly unknown[] {
  const reference = part["$ref"];
  return [...listOf(part["allOf"]), ...(typeof reference === "string" ? [referred(root, reference)] : [])];
}

/** A schema may lead back to itself. */
function linked(schema: unknown, next: (part: JsonObject) => readonly unknown[]): readonly JsonObject[] {
  const parts = new Set<JsonObject>();
  const visit = (part: unknown): void => {
    if (!isObject(part) || parts.has(part) || parts.size >= mostLinks) return;
    parts.add(part);
    for (const one of next(part)) visit(one);
  };
  visit(schema);
  return [...parts];
}

function typesIn(schema: JsonObject): readonly SchemaType[] {
  const given = schema["type"];
  const named = Array.isArray(given) ? listOf(given) : [given];
  const types = schemaTypes.filter((type) => named.includes(type));
  if (types.length > 0) return types;
  if (isObject(schema["properties"])) return ["object"];
  return schema["items"] === undefined && schema["prefixItems"] === undefined ? [] : ["array"];
}

function valuesOf(schema: JsonObject): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, "const")) return [schema["const"]];
  const values = schema["enum"];
  return Array.isArray(values) ? listOf(values) : undefined;
}

/** A reference into the same schema: `#/$defs/name`. */
function referred(root: JsonObject, reference: string): unknown {
  return resolvePointer(root, reference)?.schema;
}

type OtherMembers = "any" | "other" | "none";

/** What a schema says of a value: found once, since a call may hold many values of one schema. */
class KnownSchema {
  readonly branches: readonly Branch[];
  /** Where the schema is the whole of an object. */
  readonly others: OtherMembers;
  private readonly named = new Map<string, unknown[]>();
  private readonly otherMembers: unknown;
  private readonly listed: readonly unknown[];
  private readonly otherItems: unknown;

  constructor(schema: JsonObject, root: JsonObject) {
    const parts = partsOf(schema, root);
    this.others = othersIn(schema, parts);
    const isFree = parts.some((part) => hasFreeAlternative(part, root));
    this.branches = isFree ? [] : parts.flatMap(branchesIn).slice(0, mostBranches);
    for (const { properties } of parts) {
      for (const [name, member] of isObject(properties) ? Object.entries(properties) : []) {
        this.named.set(name, [...(this.named.get(name) ?? []), member]);
      }
    }
    const others = parts.flatMap(({ patternProperties, additionalProperties }) => {
      return [...(isObject(patternProperties) ? Object.values(patternProperties) : []), additionalProperties];
    });
    this.otherMembers = anyOf(others.filter(isObject));
    const tuples = parts.map(tupleIn);
    const longest = Math.min(mostLinks, Math.max(0, ...tuples.map(({ listed }) => listed.length)));
    this.listed = Array.from({ length: longest }, (_, index) => {
      return anyOf(tuples.map(({ listed, others: rest }) => listed[index] ?? rest).filter(isObject));
    });
    this.otherItems = anyOf(tuples.map(({ others: rest }) => rest).filter(isObject));
  }

  member(key: string): unknown {
    const named = this.named.get(key);
    if (named === undefined) return this.otherMembers;
    const schema = anyOf(named);
    // The same object each time.
    if (named.length > 1) this.named.set(key, [schema]);
    return schema;
  }

  item(index: number): unknown {
    return index < this.listed.length ? this.listed[index] : this.otherItems;
  }
}

/** Items in their places, and those behind them. */
function tupleIn({ prefixItems, items, additionalItems }: JsonObject) {
  const listed = Array.isArray(prefixItems) ? prefixItems : items;
  return { listed: listOf(listed), others: Array.isArray(items) ? additionalItems : items };
}

function anyOf(schemas: readonly unknown[]): unknown {
  return schemas.length > 1 ? { anyOf: schemas } : schemas[0];
}

const knownSchemas = new WeakMap<JsonObject, WeakMap<JsonObject, KnownSchema>>();

function knownOf(schema: JsonObject, root: JsonObject): KnownSchema {
  const ofRoot = knownSchemas.get(root) ?? new WeakMap<JsonObject, KnownSchema>();
  knownSchemas.set(root, ofRoot);
  const known = ofRoot.get(schema) ?? new KnownSchema(schema, root);
  ofRoot.set(schema, known);
  return known;
}

/** The schema of a member of an object, in whatever part it stands; `undefined`: nothing is known of it. */
export function memberSchema(schema: unknown, key: string, root: JsonObject): unknown {
  return isObject(schema) ? knownOf(schema, root).member(key) : undefined;
}

/** The schema of an item of a list; `undefined`: nothing is known of it. */
export function itemSchema(schema: unknown, index: number, root: JsonObject): unknown {
  return isObject(schema) ? knownOf(schema, root).item(index) : undefined;
}

/** The names of an object's members that a schema tells, in its order. */
export function memberNames(schema: JsonObject): readonly string[] {
  const names = partsOf(schema, schema).flatMap(({ properties }) =>
    isObject(properties) ? Object.keys(properties) : [],
  );
  return [...new Set(names)];
}

/** "any": members may have any name. "other": the schema names some, and does not say that there are no others. */
export function otherMembers(schema: JsonObject): OtherMembers {
  return knownOf(schema, schema).others;
}

function othersIn(schema: JsonObject, parts: readonly JsonObject[]): OtherMembers {
  const isAny = parts.some((part) => isObject(part["additionalProperties"]) || isObject(part["patternProperties"]));
  if (isAny || parts.every(({ properties }) => properties === undefined)) return "any";
  const isClosed = commonPartsOf(schema, schema).some((part) => {
    return part["additionalProperties"] === false || part["unevaluatedProperties"] === false;
  });
  return isClosed ? "none" : "other";
}

/** What an object must have, by all that it must fit. */
export function requiredIn(schema: JsonObject): readonly string[] {
  return commonPartsOf(schema, schema).flatMap(requiredOf);
}

export function requiredOf(schema: JsonObject): readonly string[] {
  return listOf(schema["required"]).filter((key): key is string => typeof key === "string");
}
