import { InvalidRequestError } from "../../common/errors";
import type { JsonObject, ToolSpec } from "../../common/tools";
import { isObject, listOf } from "../json";
import { requiredOf } from "./schemas";

/** A schema that nests deeper is cut: no template and no grammar needs more, and a cycle would never end. */
const deepestSchema = 64;
const mostNodes = 20_000;
const identifier = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * The tools in the one order and form in which templates get them, so that the same tools always give the same ids:
 * groups in their order, inside a group by name; the keys of a schema sorted, its properties as they are required, then
 * by name. The meaning stays: the order of lists (`enum`, `required`, `anyOf` …) is kept. INVALID_REQUEST: a name that
 * is no identifier, two tools of one name, a schema that is no data.
 */
export function canonicalTools(...groups: readonly (readonly ToolSpec[])[]): readonly ToolSpec[] {
  const tools = groups.flatMap((group) => group.map(canonicalTool).sort((a, b) => compare(a.name, b.name)));
  const names = new Set<string>();
  for (const { name } of tools) {
    if (names.has(name)) {
      throw new InvalidRequestError(`two tools have the name ${name}`, "give each tool a name of its own", { name });
    }
    names.add(name);
  }
  return tools;
}

/** What a template finds in its variable `tools`. */
export function templateTools(tools: readonly ToolSpec[]): readonly JsonObject[] {
  return tools.map(({ name, description, parameters }) => ({
    type: "function",
    function: { name, description, parameters: parameters ?? emptySchema },
  }));
}

const emptySchema: JsonObject = { type: "object", properties: {} };

function canonicalTool(tool: ToolSpec): ToolSpec {
  const { name, description, parameters } = tool;
  if (typeof name !== "string" || !identifier.test(name)) {
    const shown = JSON.stringify(String(name).slice(0, 80));
    throw new InvalidRequestError(
      `${shown} is no name for a tool`,
      "use 1 to 64 letters, digits, _, - and . for the name of a tool",
      { name: String(name).slice(0, 80) },
    );
  }
  // A file may say null.
  const schema = (parameters ?? undefined) === undefined ? emptySchema : new SchemaOrder(name).schema(parameters);
  return { name, description: typeof description === "string" ? description : "", parameters: schema };
}

/** Members of a schema that map names to schemas. */
const maps = ["properties", "patternProperties", "$defs", "definitions", "dependentSchemas"];

class SchemaOrder {
  private nodes = 0;

  constructor(private readonly tool: string) {}

  schema(given: unknown): JsonObject {
    if (!isObject(given)) throw this.refused("is no object");
    const ordered = this.value(given, 0);
    if (!isObject(ordered)) throw this.refused("is no object");
    // An object without a type or properties takes no arguments, but templates look for both.
    const properties = isObject(ordered["properties"]) ? ordered["properties"] : {};
    return Object.assign({ type: "object", properties: {} }, ordered, { properties });
  }

  private value(given: unknown, depth: number): unknown {
    this.nodes += 1;
    if (depth > deepestSchema) throw this.refused(`nests deeper than ${deepestSchema} levels, or contains itself`);
    if (this.nodes > mostNodes) throw this.refused(`has more than ${mostNodes} parts, or contains itself`);
    if (Array.isArray(given)) return listOf(given).map((item) => this.value(item, depth + 1));
    if (isObject(given)) return this.object(given, depth, Object.keys(given).sort(compare));
    if (given === null || typeof given === "string" || typeof given === "boolean") return given;
    if (typeof given === "number" && Number.isFinite(given)) return given;
    throw this.refused("holds a value that JSON does not have");
  }

  private object(given: JsonObject, depth: number, keys: readonly string[]): JsonObject {
    const entries = keys.flatMap((key) => {
      const value = given[key];
      if (value === undefined) return [];
      const isMap = maps.includes(key) && isObject(value);
      return [
        [
          key,
          isMap
            ? this.map(value, depth + 1, key === "properties" ? requiredOf(given) : [])
            : this.value(value, depth + 1),
        ] as const,
      ];
    });
    return Object.fromEntries(entries);
  }

  /** Names to schemas, the first ones in their order. */
  private map(given: JsonObject, depth: number, first: readonly string[]): JsonObject {
    const known = Object.keys(given);
    const required = [...new Set(first)].filter((key) => Object.hasOwn(given, key));
    const others = known.filter((key) => !required.includes(key)).sort(compare);
    return Object.fromEntries(
      [...required, ...others].flatMap((key) => {
        const value = given[key];
        return value === undefined ? [] : [[key, this.value(value, depth)] as const];
      }),
    );
  }

  private refused(reason: string): InvalidRequestError {
    return new InvalidRequestError(
      `the schema of the tool ${this.tool} ${reason}`,
      "give the tool's parameters as a JSON schema of an object",
      { name: this.tool },
    );
  }
}

/** By UTF-16 units: the same on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
