import { InvalidRequestError } from "../../common/errors";
import type { JsonObject, ToolSpec } from "../../common/tools";
import { canonicalJson, type Digest, toolsDigest } from "./digests";

/** Programs send a few sets of tools in turn. */
const mostLists = 16;

/**
 * The tools of requests in one order and form: the same object for the same tools, in whatever order and with whatever
 * order of keys they came, so that prompts are compared quickly and have the same ids.
 */
export class ThreadTools {
  private readonly lists = new Map<Digest, readonly ToolSpec[]>();

  /** `undefined`: none. Throws INVALID_REQUEST for two tools of one name, and for a name that models cannot call. */
  of(tools: readonly ToolSpec[] = []): readonly ToolSpec[] | undefined {
    if (tools.length === 0) return undefined;
    const ordered = [...tools].sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
    const digest = toolsDigest(ordered);
    const known = this.lists.get(digest);
    if (known !== undefined) return known;
    const list = ordered.map(checked);
    const twice = list.find(({ name }, index) => list[index + 1]?.name === name);
    if (twice !== undefined) {
      throw new InvalidRequestError(`two tools have the name ${twice.name}`, "give each tool a name of its own", {
        tool: twice.name,
      });
    }
    const [oldest] = this.lists.keys();
    if (this.lists.size >= mostLists && oldest !== undefined) this.lists.delete(oldest);
    this.lists.set(digest, list);
    return list;
  }
}

function checked({ name, description, parameters }: ToolSpec): ToolSpec {
  if (!/^[\w.-]{1,64}$/.test(name)) {
    throw new InvalidRequestError(
      `a tool cannot have the name ${JSON.stringify(name).slice(0, 80)}`,
      "name it with 1 to 64 letters, digits, _, - and .",
      { tool: name.slice(0, 80) },
    );
  }
  return { name, description, ...(parameters === undefined ? {} : { parameters: ordered(parameters) }) };
}

function ordered(parameters: JsonObject): JsonObject {
  const value: unknown = JSON.parse(canonicalJson(parameters));
  return typeof value === "object" && value !== null ? { ...value } : {};
}
