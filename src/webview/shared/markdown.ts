/**
 * Markdown as a tree of the elements listed here and no others. HTML in the source is text, links keep only addresses
 * that the host would open, images are shown as their description and never loaded, formulas as their source.
 */
import MarkdownIt from "markdown-it";
import type { ContentCommand } from "../../protocol/page";
import { codeBlock } from "./codeBlock";
import { markHidden } from "./hiddenCharacters";
import { footnotes } from "./markdownFootnotes";
import { wwwLinks } from "./markdownLinks";
import { math } from "./markdownMath";
import { type Place, Places, startPlace } from "./markdownPlace";
import { taskLists } from "./markdownTasks";
import { type Child, h, type TreeNode, textOf } from "./tree";

export interface MarkdownBlock {
  /** Offset of the block in the source, in UTF-16 units. */
  readonly start: number;
  readonly node: TreeNode;
  /** The place after this block, from which the next one continues. */
  readonly end: Place;
}

export interface Markdown {
  readonly source: string;
  readonly blocks: readonly MarkdownBlock[];
}

export type RunContent = (command: ContentCommand) => void;

const parser = new MarkdownIt({ html: false, linkify: true, breaks: false })
  .use(taskLists)
  .use(math)
  .use(footnotes)
  .use(wwwLinks);

type Token = ReturnType<typeof parser.parse>[number];

/**
 * New text can still change the last block, and join it with the one before ("1. a", blank line, "2" becomes one list
 * with "2."). Those two are read again when text is appended; the others stay the same objects.
 */
const unsettledBlocks = 2;

/** `before` is what was shown of the same answer: what only grew at its end is not parsed again. */
export function renderMarkdown(source: string, run: RunContent, before?: Markdown): Markdown {
  if (before?.source === source) return before;
  const grew = before !== undefined && source.startsWith(before.source);
  const settled = grew ? before.blocks.slice(0, -unsettledBlocks) : [];
  const start = grew ? (before.blocks[settled.length]?.start ?? 0) : 0;
  const places = new Places(settled.at(-1)?.end ?? startPlace);
  return { source, blocks: [...settled, ...parse(source, start, { run, places })] };
}

/** What the parts of one answer share while it is rendered. */
interface Rendering {
  readonly run: RunContent;
  readonly places: Places;
}

function parse(source: string, start: number, rendering: Rendering): readonly MarkdownBlock[] {
  const text = source.slice(start);
  const lines = lineStarts(text);
  const tokens = parser.parse(text, {});
  const blocks: MarkdownBlock[] = [];
  for (let at = 0; at < tokens.length; ) {
    const end = endOf(tokens, at);
    const [node] = render(tokens.slice(at, end), rendering);
    const line = tokens[at]?.map?.[0] ?? 0;
    if (node !== undefined && typeof node !== "string")
      blocks.push({ start: start + (lines[line] ?? 0), node, end: rendering.places.current });
    at = end;
  }
  return blocks;
}

function lineStarts(text: string): readonly number[] {
  const starts = [0];
  // markdown-it counts a carriage return as the end of a line too, with or without a line feed.
  for (const match of text.matchAll(/\r\n|\n|\r/g)) starts.push(match.index + match[0].length);
  return starts;
}

/** One past the token that closes the one at `at`. */
function endOf(tokens: readonly Token[], at: number): number {
  let depth = 0;
  let end = at;
  do depth += tokens[end++]?.nesting ?? 0;
  while (depth > 0 && end < tokens.length);
  return end;
}

function render(tokens: readonly Token[], rendering: Rendering): readonly Child[] {
  const children: Child[] = [];
  for (let at = 0; at < tokens.length; ) {
    const end = endOf(tokens, at);
    const token = tokens[at];
    if (token) children.push(...renderToken(token, () => render(tokens.slice(at + 1, end - 1), rendering), rendering));
    at = end;
  }
  return children;
}

/** Elements that take their children and nothing else. */
const plain: ReadonlySet<string> = new Set("p ul blockquote thead tbody tr em strong s".split(" "));

function renderToken(token: Token, inner: () => readonly Child[], rendering: Rendering): readonly Child[] {
  const { run, places } = rendering;
  switch (token.type) {
    case "inline":
      return render(token.children ?? [], rendering);
    case "text":
      return [token.content];
    case "softbreak":
      return ["\n"];
    case "hardbreak":
      return [h("br")];
    case "hr":
      return [h("hr")];
    case "code_inline":
      return [h("code", {}, markHidden([token.content]))];
    case "fence":
    case "code_block":
      return [codeBlock(token.content, token.info, places.codeBlock(), run)];
    case "math":
      return [h("code.math", {}, markHidden([token.content]))];
    case "math_block":
      return [h("pre.math", {}, markHidden([token.content]))];
    case "footnote_mark":
      return [h("sup", {}, token.content)];
    case "footnote_open":
      return [h("p.footnote", {}, h("sup", {}, token.info), " ", inner())];
    case "task":
      return [taskBox(token.content === "x")];
    case "image":
      return [`[${token.content || "image"}]`];
    case "link_open":
      return link(String(token.attrGet("href") ?? ""), inner(), run);
    case "paragraph_open":
      return token.hidden ? inner() : [h("p", {}, inner())];
    case "heading_open":
      return [h(`h${places.heading(Number(token.tag.slice(1)))}`, {}, inner())];
    case "list_item_open":
      return [h("li", { class: token.attrGet("class") === "task" ? "task" : undefined }, inner())];
    case "ordered_list_open":
      return [h("ol", { start: token.attrGet("start") ?? undefined }, inner())];
    case "table_open":
      return [table(places.table(), inner())];
    case "th_open":
    case "td_open":
      return [cell(token.tag, String(token.attrGet("style")), inner())];
    default:
      if (plain.has(token.tag) && token.nesting === 1) return [h(token.tag, {}, inner())];
      return token.content ? [token.content] : inner();
  }
}

/** A wide table scrolls in its own box; the answer around it does not. */
function table(number: number, rows: readonly Child[]): TreeNode {
  return h("div.table", { tabindex: "0", role: "group", "aria-label": `Table ${number}` }, h("table", {}, rows));
}

/** A cell with at most this much text stays in one line, and a narrow page scrolls the table. In UTF-16 units. */
const shortCell = 24;

function cell(tag: string, style: string, children: readonly Child[]): TreeNode {
  const { length } = children.map(textOf).join("");
  const align = style.includes("right") ? "right" : style.includes("center") ? "center" : "";
  const name = [align, length <= shortCell ? "short" : ""].join(" ").trim();
  // A header without text names nothing, so it becomes an ordinary cell.
  return h(length === 0 ? "td" : tag, { class: name || undefined }, children);
}

function taskBox(done: boolean): TreeNode {
  return h("input", { type: "checkbox", disabled: true, checked: done, "aria-label": done ? "Done" : "Not done" });
}

function link(href: string, children: readonly Child[], run: RunContent): readonly Child[] {
  if (!/^(https?:\/\/|mailto:)/i.test(href)) return children;
  const open = (event: Event) => {
    event.preventDefault();
    run({ type: "openLink", href });
  };
  return [h("a", { href, title: href, on: { click: open } }, children)];
}
