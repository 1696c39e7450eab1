import type { JsonObject, ToolMode, ToolSpec } from "../../common/tools";
import { type RequestTool, requestToolModes } from "./chatApi";

/** Some tools come without a schema: they take no arguments. */
const noArguments: JsonObject = { type: "object", properties: {} };

/** Names and schemas are checked by the core, for all programs alike. */
export function requestTools(tools: readonly RequestTool[] | undefined): readonly ToolSpec[] {
  return (tools ?? []).map(({ name, description, inputSchema }) => ({
    name,
    description: description ?? "",
    parameters: isSchema(inputSchema) ? inputSchema : noArguments,
  }));
}

export function requestToolMode(mode: number | undefined): ToolMode {
  return mode === requestToolModes.required ? "required" : "auto";
}

function isSchema(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
