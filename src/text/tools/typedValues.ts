import { isObject, type JsonObject } from "../json";
import { readJson } from "./lenientJson";
import { NoLiteral, PythonReader } from "./pythonValues";
import { type Branch, branchesOf, memberSchema, type SchemaType } from "./schemas";
import { deepestValue, Spelt } from "./written";

/** The value is not allowed, and no value of its meaning is. */
const notAllowed = Symbol("not allowed");

/**
 * A value of the type that the schema asks for, whatever it was written as: "False" is `false` for a boolean, and
 * `false` is "false" for a text. A value that fits as it is stays; so does one that cannot be brought into the form.
 * `notAllowed`: null where null is no value. Always valid JSON.
 */
function typedValue(value: unknown, schema: unknown, root: JsonObject, depth = 0): unknown {
  const branches = branchesOf(schema, root);
  if (value instanceof Spelt) return plain(fromText(value.text, branches, root, depth, true));
  const fitting = branches.find((branch) => fits(value, branch));
  if (branches.length === 0 || fitting !== undefined) return inner(value, fitting, root, depth);
  if (value === null) return notAllowed;
  if (typeof value === "string") return fromText(value, branches, root, depth, false);
  const types = new Set(branches.map(({ type }) => type));
  if (types.has("string")) return typeof value === "object" ? JSON.stringify(plain(value)) : String(value);
  return plain(value);
}

/** A text without quotes (`isSpelt`), or a string where none is allowed. */
function fromText(
  text: string,
  branches: readonly Branch[],
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
    if (read !== undefined) return inner(read, branch, root, depth);
  }
  if (types.has("null") && /^(?:null|none)$/i.test(trimmed)) return null;
  if (isSpelt && (types.has("string") || branches.length === 0)) return text;
  for (const { type } of branches) {
    const scalar = scalarIn(trimmed, type);
    if (scalar !== undefined) return scalar;
  }
  const meant = allowed.find((candidate) => typeof candidate !== "string" && String(candidate) === trimmed);
  return meant ?? text;
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
  if (values !== undefined && typeof value !== "object") return values.includes(value);
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
function inner(value: unknown, branch: Branch | undefined, root: JsonObject, depth: number): unknown {
  if (depth >= deepestValue || branch === undefined) return plain(value);
  if (Array.isArray(value)) {
    return value.map((item) => withoutNotAllowed(typedValue(item, branch.schema["items"], root, depth + 1)));
  }
  return isObject(value) ? typedMembers(new Map(Object.entries(value)), branch.schema, root, depth + 1) : plain(value);
}

/** An object's members, each typed by its schema. Those that are null where null is no value are left out. */
export function typedMembers(
  members: ReadonlyMap<string, unknown>,
  schema: JsonObject,
  root: JsonObject,
  depth = 0,
): JsonObject {
  const typed = [...members].map(([key, value]) => {
    return [key, typedValue(value, memberSchema(schema, key), root, depth)] as const;
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
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}
