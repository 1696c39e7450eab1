import type { JsonObject, ToolSpec } from "../../common/tools";
import { isObject } from "../json";
import { memberNames, memberSchema, otherMembers, requiredIn } from "./schemas";
import type { KnownNames } from "./taggedCalls";
import { typedMembers } from "./typedValues";
import type { WrittenCall } from "./written";

/** What became of a call as it was written. */
export type Checked =
  | { readonly kind: "call"; readonly name: string; readonly arguments: JsonObject }
  /** No tool of this name was declared. */
  | { readonly kind: "unknown"; readonly name: string }
  /** A required argument is missing. */
  | { readonly kind: "malformed"; readonly name: string };

/** The tools that an answer may call. */
export class DeclaredTools implements KnownNames {
  private readonly tools: ReadonlyMap<string, ToolSpec>;

  constructor(tools: readonly ToolSpec[]) {
    this.tools = new Map(tools.map((tool) => [tool.name, tool]));
  }

  get names(): readonly string[] {
    return [...this.tools.keys()];
  }

  isTool(name: string): boolean {
    return this.find(name) !== undefined;
  }

  mayHave(tool: string, key: string): boolean {
    const spec = this.find(tool);
    if (spec === undefined) return true;
    const schema = schemaOf(spec);
    return otherMembers(schema) === "any" || memberSchema(schema, key, schema) !== undefined;
  }

  /** The names of a tool's arguments, as its schema has them. */
  keysOf(tool: string): readonly string[] {
    const spec = this.find(tool);
    return spec === undefined ? [] : memberNames(schemaOf(spec));
  }

  /** The call with its arguments typed by the tool's schema. */
  check(written: WrittenCall): Checked {
    const tool = this.find(written.name);
    if (tool === undefined) return { kind: "unknown", name: written.name.trim() };
    const schema = schemaOf(tool);
    const typed = declared(typedMembers(written.arguments, schema, schema), schema);
    const isMissing = requiredIn(schema).some((key) => !Object.hasOwn(typed, key));
    return isMissing ? { kind: "malformed", name: tool.name } : { kind: "call", name: tool.name, arguments: typed };
  }

  /** White space around a name, the name of a space before it, and Llama's `.call` behind it are no part of it. */
  private find(name: string): ToolSpec | undefined {
    const trimmed = name.trim();
    return this.tools.get(trimmed) ?? this.tools.get(trimmed.replace(/^functions?[.:]/, "").replace(/\.call$/, ""));
  }
}

/** Without what a closed schema has no name for: a call that no grammar held may have anything in it. */
function declared(args: JsonObject, schema: JsonObject): JsonObject {
  if (otherMembers(schema) !== "none") return args;
  return Object.fromEntries(Object.entries(args).filter(([key]) => memberSchema(schema, key, schema) !== undefined));
}

function schemaOf({ parameters }: ToolSpec): JsonObject {
  return isObject(parameters) ? parameters : {};
}
