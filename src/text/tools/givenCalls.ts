import type { JsonObject } from "../../common/tools";
import type { Checked, DeclaredTools } from "./declaredTools";
import { argumentsOf } from "./jsonCalls";
import { readJson } from "./lenientJson";

/**
 * A call that another program has found in an answer: `said` are its arguments, as an object or as the text of one. They
 * are read and typed as those of calls that are found here. "malformed" also where they cannot be read.
 */
export function givenCall(tools: DeclaredTools, name: string, said: string | JsonObject): Checked {
  if (!tools.isTool(name)) return { kind: "unknown", name: name.trim() };
  const given = typeof said === "string" ? argumentsIn(said) : argumentsOf(said, "strict");
  if (given === undefined) return { kind: "malformed", name: name.trim() };
  return tools.check({ name, arguments: given, start: 0, end: 0 });
}

function argumentsIn(text: string): ReadonlyMap<string, unknown> | undefined {
  if (text.trim() === "") return new Map();
  const read = readJson(text, 0, "repair");
  // Some write a bracket too much.
  return read !== undefined && /^[\s}\]]*$/.test(text.slice(read.end)) ? argumentsOf(read.value, "strict") : undefined;
}
