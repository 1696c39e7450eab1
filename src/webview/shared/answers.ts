import { caret, withCaret } from "./caret";
import { type Markdown, type RunContent, renderMarkdown } from "./markdown";
import { h, type TreeNode, textOf } from "./tree";

interface Kept {
  readonly markdown: Markdown;
  /** Read as a whole after its end, not in pieces while it grew: a link's address may stand below it. */
  readonly whole: boolean;
}

/** The answers of a page as trees. What was made of an answer is kept, so that a growing one costs only its end. */
export class Answers {
  private readonly kept = new Map<string, Kept>();

  constructor(private readonly run: RunContent) {}

  /** `id` tells answers apart. While `running`, the caret stands where the next text comes. */
  view(id: string, answer: string, running: boolean): TreeNode {
    const nodes = this.read(id, answer, running).blocks.map(({ node }) => node);
    const last = nodes.at(-1);
    const shown = !running ? nodes : last ? [...nodes.slice(0, -1), withCaret(last)] : [h("p", {}, caret())];
    return h("div.md", { key: "md" }, shown);
  }

  /** The first words of a finished answer, without its marks. */
  peek(id: string, answer: string): string {
    const [first] = this.read(id, answer, false).blocks;
    return first ? textOf(first.node) : "";
  }

  /** Forgets the answers that are not shown any more. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.kept.keys()) if (!ids.has(id)) this.kept.delete(id);
  }

  private read(id: string, answer: string, running: boolean): Markdown {
    const before = this.kept.get(id);
    const markdown = renderMarkdown(answer, this.run, running || before?.whole ? before?.markdown : undefined);
    this.kept.set(id, { markdown, whole: !running });
    return markdown;
  }
}
