import { caret, withCaret } from "./caret";
import { type Markdown, type RunContent, renderMarkdown } from "./markdown";
import { h, type TreeNode, textOf } from "./tree";

interface Kept {
  readonly markdown: Markdown;
  /** Parsed as a whole after its end, not in pieces while it grew: the address of a link may follow later in the text. */
  readonly whole: boolean;
}

/** The answers of a page as trees. They are kept, so that an answer that grows costs only its new end. */
export class Answers {
  private readonly kept = new Map<string, Kept>();

  constructor(private readonly run: RunContent) {}

  /** `id` tells answers apart. While `running`, a caret marks where the next text will come. */
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
