import { caret, withCaret } from "./caret";
import { type Markdown, type RunContent, renderMarkdown } from "./markdown";
import { h, type TreeNode } from "./tree";

/** The answers of a page as trees. What was made of an answer is kept, so that a growing one costs only its end. */
export class Answers {
  private readonly kept = new Map<string, Markdown>();

  constructor(private readonly run: RunContent) {}

  /** `id` tells answers apart. While `running`, the caret stands where the next text comes. */
  view(id: string, answer: string, running: boolean): TreeNode {
    const before = this.kept.get(id);
    // A finished answer is read once as a whole: a link's address may stand below it.
    const markdown = renderMarkdown(answer, this.run, running ? before : undefined);
    this.kept.set(id, markdown);
    const nodes = markdown.blocks.map(({ node }) => node);
    const last = nodes.at(-1);
    const shown = !running ? nodes : last ? [...nodes.slice(0, -1), withCaret(last)] : [h("p", {}, caret())];
    return h("div.md", { key: "md" }, shown);
  }

  /** Forgets the answers that are not shown any more. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.kept.keys()) if (!ids.has(id)) this.kept.delete(id);
  }
}
