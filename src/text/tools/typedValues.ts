import { isObject, type JsonObject } from "../json";
import { readJson } from "./lenientJson";
import { NoLiteral, PythonReader } from "./pythonValues";
import { type Branch, branchesOf, itemSchema, memberSchema, type SchemaType } from "./schemas";
import { deepestValue, Spelt, SpeltNumber } from "./written";

/** The value is not allowed, and no value of its meaning is. */
const notAllowed = Symbol("not allowed");

/**
 * A value of the type that the schema asks for, whatever it was written as: "False" is `false` for a boolean, and
 * `false` is "false" for a text, 1.10 is "1.10". A value that fits as it is stays; so does one that cannot be brought into the form.
 * `notAllowed`: null where null is no value. Always valid JSON.
 */
function typedValue(value: unknown, schema: unknown, root: JsonObject, depth = 0): unknown {
  const branches = branchesOf(schema, root);
  if (value instanceof Spelt) return plain(fromText(value.text, branches, schema, root, depth, true));
  const said = value instanceof SpeltNumber ? value.value : value;
  if (branches.length === 0) return plain(value);
  if (branches.some((branch) => fits(said, branch))) return inner(value, schema, root, depth);
  if (value === null) return notAllowed;
  if (typeof value === "string") return fromText(value, branches, schema, root, depth, false);
  const text = textOf(value);
  const mayBeText = branches.some(({ type, values }) => values?.includes(text) ?? type === "string");
  return mayBeText ? text : plain(value);
}

/** A value that is no string, as the text that is meant. */
function textOf(value: unknown): string {
  if (value instanceof SpeltNumber) return value.text;
  return typeof value === "object" ? jsonOf(value) : String(value);
}

/** A text without quotes (`isSpelt`), or a string where none is allowed. */
function fromText(
  text: string,
  branches: readonly Branch[],
  schema: unknown,
  root: JsonObject,
  depth: number,
  isSpelt: boolean,
): unknown {
  const trimmed = text.trim();
  const allowed = branches.flatMap(({ values }) => values ?? []);
  const types = new Set(branches.map(({ type }) => type));
  if (allowed.includes(text)) return text;
  if (allowed.includes(trimmed)) return trimmed;
  // A text is told from a list or an object by its brackets, and from null by the word: it is written like that on purpose.
  for (const branch of branches) {
    if (branch.type !== "array" && branch.type !== "object") continue;
    const read = structureIn(trimmed, branch.type);
    if (read !== undefined) return inner(read, schema, root, depth);
  }
  if (types.has("null") && /^(?:null|none)$/i.test(trimmed)) return null;
  if (isSpelt && (types.has("string") || branches.length === 0)) return text;
  for (const { type } of branches) {
    const scalar = scalarIn(trimmed, type);
    if (scalar !== undefined) return scalar;
  }
  const [meant] = constantsIn(trimmed, allowed);
  return meant === undefined ? text : meant;
}

/** The constants that the text may be, as JSON or in another spelling of it. */
function constantsIn(text: string, allowed: readonly unknown[]): readonly unknown[] {
  const others = allowed.filter((constant) => typeof constant !== "string");
  if (others.length === 0) return [];
  const read = readJson(text, 0, "strict");
  const json = read?.end === text.length ? jsonOf(read.value) : text;
  return others.filter((constant) => String(constant) === text || jsonOf(constant) === json);
}

function isStructure(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}

function isOneOf(values: readonly unknown[], value: unknown): boolean {
  const json = jsonOf(value);
  return values.some((one) => isStructure(one) && jsonOf(one) === json);
}

function jsonOf(value: unknown): string {
  return JSON.stringify(plain(value)) ?? "";
}

const integer = /^[+-]?\d+(?:\.0*)?$/;
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

function scalarIn(text: string, type: SchemaType | undefined): unknown {
  if (type === "boolean" && /^(?:true|false)$/i.test(text)) return text.toLowerCase() === "true";
  if (type === "integer" && integer.test(text)) return finite(text);
  if (type === "number" && decimal.test(text)) return finite(text);
  return undefined;
}

function finite(text: string): number | undefined {
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function structureIn(text: string, type: "array" | "object"): unknown {
  if (!text.startsWith(type === "array" ? "[" : "{")) return undefined;
  const read = readJson(text, 0, "strict");
  const value = read?.end === text.length ? read.value : pythonIn(text);
  return (type === "array" ? Array.isArray(value) : isObject(value)) ? value : undefined;
}

function pythonIn(text: string): unknown {
  const reader = new PythonReader(text, false);
  try {
    const value = reader.value();
    return reader.at === text.length ? value : undefined;
  } catch (error) {
    if (error instanceof NoLiteral) return undefined;
    throw error;
  }
}

function fits(value: unknown, { type, values }: Branch): boolean {
  if (values !== undefined) return values.includes(value) || (isStructure(value) && isOneOf(values, value));
  switch (type) {
    case undefined:
      return true;
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return isObject(value);
    case "integer":
      return Number.isInteger(value);
    case "number":
      return typeof value === "number";
    default:
      return typeof value === type;
  }
}

/** The values inside `value`, typed by what is known of them. */
function inner(value: unknown, schema: unknown, root: JsonObject, depth: number): unknown {
  if (depth >= deepestValue || value instanceof SpeltNumber) return plain(value);
  if (Array.isArray(value)) {
    return value.map((item, index) => {
      return withoutNotAllowed(typedValue(item, itemSchema(schema, index, root), root, depth + 1));
    });
  }
  return isObject(value) ? typedMembers(new Map(Object.entries(value)), schema, root, depth + 1) : plain(value);
}

/** An object's members, each typed by its schema. Those that are null where null is no value are left out. */
export function typedMembers(
  members: ReadonlyMap<string, unknown>,
  schema: unknown,
  root: JsonObject,
  depth = 0,
): JsonObject {
  const typed = [...members].map(([key, value]) => {
    return [key, typedValue(value, memberSchema(schema, key, root), root, depth)] as const;
  });
  return Object.fromEntries(typed.filter(([, value]) => value !== notAllowed));
}

function withoutNotAllowed(value: unknown): unknown {
  return value === notAllowed ? null : value;
}

/** Plain JSON: without marks of how it was written, and without numbers that JSON does not have. */
function plain(value: unknown): unknown {
  if (value === notAllowed) return null;
  if (value instanceof Spelt) return value.text;
  if (value instanceof SpeltNumber) return Number.isFinite(value.value) ? value.value : value.text;
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
