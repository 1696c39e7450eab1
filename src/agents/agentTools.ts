import type { ToolSpec } from "../common/tools";
import { isBuiltIn } from "../protocol/toolNames";
import { isObject } from "../store/json";
import type { Manifest } from "../store/manifest";
import { canonicalTools } from "../text/tools/canonical";

/** Lists of tools that were parsed, by their text: agents with the same tools share one list. */
const parsed = new Map<string, readonly ToolSpec[]>();
const mostParsed = 64;

/**
 * The tools that an agent's model is told of; `undefined`: none. The same list for the same tools, so that prompts are
 * compared quickly.
 */
export function storedTools({ tools }: Pick<Manifest, "tools">): readonly ToolSpec[] | undefined {
  if (tools === undefined || tools === "") return undefined;
  const known = parsed.get(tools);
  if (known !== undefined) return known;
  const list = parseTools(tools);
  const [oldest] = parsed.keys();
  if (parsed.size >= mostParsed && oldest !== undefined) parsed.delete(oldest);
  parsed.set(tools, list);
  return list;
}

/**
 * As a manifest keeps them: built-in ones first, so that agents with different other tools share what was read of these.
 * Throws INVALID_REQUEST for tools that cannot be offered.
 */
export function toolsText(tools: readonly ToolSpec[]): string {
  const builtIn = tools.filter(({ name }) => isBuiltIn(name));
  const others = tools.filter(({ name }) => !isBuiltIn(name));
  return tools.length === 0 ? "" : JSON.stringify(canonicalTools(builtIn, others));
}

/** A text that this program never wrote means no tools: the conversation itself is whole. */
function parseTools(text: string): readonly ToolSpec[] {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.filter(isTool) : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function isTool(value: unknown): value is ToolSpec {
  if (!isObject(value) || typeof value["name"] !== "string" || typeof value["description"] !== "string") return false;
  return value["parameters"] === undefined || isObject(value["parameters"]);
}
