/**
 * Markdown as a tree of the elements listed here and no others. HTML in the source is text, links keep only addresses
 * that the host would open, images are shown as their description and never loaded.
 */
import MarkdownIt from "markdown-it";
import type { ContentCommand } from "../../protocol/page";
import { codeBlock } from "./codeBlock";
import { type Child, h, type TreeNode } from "./tree";

export interface MarkdownBlock {
  /** Offset of the block in the source, in UTF-16 units. */
  readonly start: number;
  readonly node: TreeNode;
}

export interface Markdown {
  readonly source: string;
  readonly blocks: readonly MarkdownBlock[];
}

export type RunContent = (command: ContentCommand) => void;

const parser = new MarkdownIt({ html: false, linkify: true, breaks: false });

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
  return { source, blocks: [...settled, ...parse(source, start, run)] };
}

function parse(source: string, start: number, run: RunContent): readonly MarkdownBlock[] {
  const text = source.slice(start);
  const lines = lineStarts(text);
  const tokens = parser.parse(text, {});
  const blocks: MarkdownBlock[] = [];
  for (let at = 0; at < tokens.length; ) {
    const end = endOf(tokens, at);
    const [node] = render(tokens.slice(at, end), run);
    const line = tokens[at]?.map?.[0] ?? 0;
    if (node !== undefined && typeof node !== "string") blocks.push({ start: start + (lines[line] ?? 0), node });
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

function render(tokens: readonly Token[], run: RunContent): readonly Child[] {
  const children: Child[] = [];
  for (let at = 0; at < tokens.length; ) {
    const end = endOf(tokens, at);
    const token = tokens[at];
    if (token) children.push(...renderToken(token, () => render(tokens.slice(at + 1, end - 1), run), run));
    at = end;
  }
  return children;
}

/** Elements that take their children and nothing else. */
const plain: ReadonlySet<string> = new Set("p ul li blockquote table thead tbody tr em strong s".split(" "));

function renderToken(token: Token, inner: () => readonly Child[], run: RunContent): readonly Child[] {
  switch (token.type) {
    case "inline":
      return render(token.children ?? [], run);
    case "text":
      return [token.content];
    case "softbreak":
      return ["\n"];
    case "hardbreak":
      return [h("br")];
    case "hr":
      return [h("hr")];
    case "code_inline":
      return [h("code", {}, token.content)];
    case "fence":
    case "code_block":
      return [codeBlock(token.content, token.info, run)];
    case "image":
      return [`[${token.content || "image"}]`];
    case "link_open":
      return link(String(token.attrGet("href") ?? ""), inner(), run);
    case "paragraph_open":
      return token.hidden ? inner() : [h("p", {}, inner())];
    case "heading_open":
      // The page and the turn have the headings above.
      return [h(`h${Math.min(6, Number(token.tag.slice(1)) + 2)}`, {}, inner())];
    case "ordered_list_open":
      return [h("ol", { start: token.attrGet("start") ?? undefined }, inner())];
    case "th_open":
    case "td_open":
      return [h(token.tag, { class: alignment(String(token.attrGet("style"))) }, inner())];
    default:
      if (plain.has(token.tag) && token.nesting === 1) return [h(token.tag, {}, inner())];
      return token.content ? [token.content] : inner();
  }
}

function alignment(style: string): string | undefined {
  return style.includes("right") ? "right" : style.includes("center") ? "center" : undefined;
}

function link(href: string, children: readonly Child[], run: RunContent): readonly Child[] {
  if (!/^(https?:\/\/|mailto:)/i.test(href)) return children;
  const open = (event: Event) => {
    event.preventDefault();
    run({ type: "openLink", href });
  };
  return [h("a", { href, title: href, on: { click: open } }, children)];
}
