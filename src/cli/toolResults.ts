import type { ToolResult } from "../common/tools";
import type { Arguments } from "./arguments";
import { readInput } from "./inputFiles";

/**
 * The results that `--tool-result` gives: CALL=TEXT, or CALL=@FILE for the text of a file (a text that begins with @ has
 * two), where CALL is the id of a call; `CALL!=` says that the tool failed.
 */
export function readResults(args: Arguments): Promise<readonly ToolResult[]> {
  return Promise.all(args.texts("tool-result").map((given) => resultOf(given, args)));
}

async function resultOf(given: string, args: Arguments): Promise<ToolResult> {
  const at = given.indexOf("=");
  if (at < 1) return args.refuse(`--tool-result takes CALL=TEXT or CALL=@FILE, not '${given.slice(0, 80)}'`);
  const failed = given[at - 1] === "!";
  const call = given.slice(0, failed ? at - 1 : at);
  if (call === "") return args.refuse(`--tool-result '${given.slice(0, 80)}' names no call`);
  const value = given.slice(at + 1);
  const isFile = value.startsWith("@") && !value.startsWith("@@");
  const text = isFile ? await readInput(value.slice(1)) : value.replace(/^@@/, "@");
  return { call, text, ...(failed ? { failed } : {}) };
}
