import type { MarkdownIt, StateCore } from "markdown-it";

/**
 * "- [ ] write it" and "- [x] done": the brackets at the start of a list item become a token "task", whose content is "x"
 * or " ".
 */
export function taskLists(parser: MarkdownIt): void {
  parser.core.ruler.after("inline", "tasks", readTasks);
}

function readTasks({ tokens, Token }: StateCore): void {
  tokens.forEach((token, at) => {
    const opensItem = tokens[at - 1]?.type === "paragraph_open" && tokens[at - 2]?.type === "list_item_open";
    const [first, ...rest] = token.children ?? [];
    const box = first?.type === "text" ? /^\[([ xX])\](?=\s)/.exec(first.content) : null;
    if (!opensItem || !first || !box) return;
    const task = new Token("task", "input", 0);
    task.content = box[1] === " " ? " " : "x";
    first.content = first.content.slice(box[0].length);
    token.children = [task, first, ...rest];
    tokens[at - 2]?.attrJoin("class", "task");
  });
}
