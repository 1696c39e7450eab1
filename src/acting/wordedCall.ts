/** Calls that small models write as words: JSON without the marks of a call, of a tool that is not there. */
import type { DroppedCall } from "../common/tools";

const longest = 20_000;

/**
 * An answer that is nothing but `{"name": …, "arguments": {…}}`, fenced or not. One of a declared tool with all that it needs was made
 * already, so this one is of no tool, or lacks something. `undefined`: the answer says something else.
 */
export function wordedCall(answer: string, toolNames: readonly string[]): DroppedCall | undefined {
  const text = answer.trim();
  if (text.length > longest) return undefined;
  const bare = /^```(?:json)?\s*\n?([\s\S]*?)\s*```$/.exec(text)?.[1] ?? text;
  if (!bare.startsWith("{") || !bare.endsWith("}")) return undefined;
  const call = parsed(bare);
  if (call === undefined || Object.keys(call).sort().join() !== "arguments,name") return undefined;
  const { name, arguments: args } = call;
  if (typeof name !== "string" || name === "" || typeof args !== "object" || args === null) return undefined;
  return { reason: toolNames.includes(name) ? "malformed" : "unknown", name, text: bare };
}

function parsed(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
