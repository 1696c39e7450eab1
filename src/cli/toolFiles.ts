import * as path from "node:path";
import { InvalidRequestError, type ResidentError } from "../common/errors";
import type { JsonObject, ToolSpec } from "../common/tools";
import { readInput } from "./inputFiles";

/**
 * The tools in a file: a list, or an object with a list `tools`, of tools as OpenAI's API takes them (`{"type": "function",
 * "function": {…}}`), as they are (`{"name", "description", "parameters"}`), or as MCP servers list them (`inputSchema`).
 * Rejects with IO_FAILURE, or with INVALID_REQUEST that names the first tool that is none.
 */
export async function readTools(file: string): Promise<readonly ToolSpec[]> {
  const value = await readJson(file);
  const list = isObject(value) && Array.isArray(value["tools"]) ? value["tools"] : value;
  if (!Array.isArray(list)) throw refused(file, "has no list of tools");
  return list.map((tool: unknown, index) => toolOf(tool, (what) => refused(file, `has a tool ${index + 1} ${what}`)));
}

/** A file with one JSON schema. Rejects as `readTools`. */
export async function readJsonSchema(file: string): Promise<JsonObject | boolean> {
  const value = await readJson(file);
  if (isObject(value) || typeof value === "boolean") return value;
  throw new InvalidRequestError(
    `${path.basename(file)} is no JSON schema`,
    'write an object, for example {"type": "object"}',
    {
      path: file,
    },
  );
}

function toolOf(given: unknown, refuse: (what: string) => ResidentError): ToolSpec {
  if (!isObject(given)) throw refuse("that is no object");
  const type = given["type"];
  if (isObject(given["function"])) return toolOf(given["function"], refuse);
  if (type !== undefined && type !== "function") throw refuse(`of the type ${JSON.stringify(type)}`);
  const { name, description = "" } = given;
  if (typeof name !== "string") throw refuse("without a name");
  if (typeof description !== "string") throw refuse("whose description is no text");
  const parameters = given["parameters"] ?? given["inputSchema"] ?? given["input_schema"] ?? undefined;
  if (parameters === undefined) return { name, description };
  if (!isObject(parameters)) throw refuse("whose parameters are no JSON schema");
  return { name, description, parameters };
}

function refused(file: string, what: string): InvalidRequestError {
  return new InvalidRequestError(
    `${path.basename(file)} ${what}`,
    'write a list of tools as [{"name": "…", "description": "…", "parameters": {JSON schema}}], as OpenAI\'s API takes them, or as an MCP server lists them',
    { path: file },
  );
}

async function readJson(file: string): Promise<unknown> {
  const text = await readInput(file);
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new InvalidRequestError(`${path.basename(file)} is no JSON: ${reason}`, "correct the file", { path: file });
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
