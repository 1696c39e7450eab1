import type { ToolSpec } from "../../common/tools";
import { canonicalTools } from "../../text/tools/canonical";
import { type Digest, toolsDigest } from "./digests";

/** Programs send a few sets of tools in turn. */
const mostLists = 16;

/** Tools of servers that come and go: they are told last, so that the others stay the prompt's beginning. */
const ofServer = /^mcp[_-]/;

/**
 * The tools of requests in one order and form: the same object for the same tools, in whatever order and with whatever
 * order of keys they came, so that prompts are compared quickly and have the same ids.
 */
export class ThreadTools {
  private readonly lists = new Map<Digest, readonly ToolSpec[]>();

  /** `undefined`: none. Throws INVALID_REQUEST for tools that cannot be offered: two of one name, a bad name or schema. */
  of(tools: readonly ToolSpec[] = []): readonly ToolSpec[] | undefined {
    if (tools.length === 0) return undefined;
    const isOfServer = ({ name }: ToolSpec) => ofServer.test(name);
    const list = canonicalTools(
      tools.filter((tool) => !isOfServer(tool)),
      tools.filter(isOfServer),
    );
    const digest = toolsDigest(list);
    const known = this.lists.get(digest) ?? list;
    this.lists.delete(digest);
    this.lists.set(digest, known);
    const [oldest] = this.lists.keys();
    if (this.lists.size > mostLists && oldest !== undefined) this.lists.delete(oldest);
    return known;
  }
}
