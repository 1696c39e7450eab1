/** The changes of a file, line by line, in the colours of its language. */
import { type Formats, plural } from "../../common/format";
import type { DiffLine } from "../../protocol/acting";
import { markFewHidden } from "./hiddenCharacters";
import { highlight } from "./highlight";
import { type Child, childrenOf, h, type TreeNode, withChildren } from "./tree";

/** A longer diff is read in an editor. */
const mostLines = 400;

const tags: Readonly<Record<DiffLine["kind"], string>> = {
  same: "span.line",
  added: "ins.line",
  removed: "del.line",
  gap: "span.line.gap",
};

/** "3 lines added, 1 removed" */
export function diffWords(lines: readonly DiffLine[], formats: Pick<Formats, "count">): string {
  const { added, removed } = changedLines(lines);
  return `${plural(added, "line", formats)} added, ${formats.count(removed)} removed`;
}

function changedLines(lines: readonly DiffLine[]): { readonly added: number; readonly removed: number } {
  const count = (kind: DiffLine["kind"]) => lines.filter((line) => line.kind === kind).length;
  return { added: count("added"), removed: count("removed") };
}

/** `label` says of which file; it must be unique on the page. The signs before the lines are drawn, and not copied. */
export function diffView(
  lines: readonly DiffLine[],
  path: string,
  label: string,
  formats: Pick<Formats, "count">,
): TreeNode {
  const shown = lines.slice(0, mostLines);
  const language = languageOf(path);
  const sides = { old: coloured(shown, "added", language), new: coloured(shown, "removed", language) };
  const at = { old: 0, new: 0 };
  const nodes = shown.map(({ kind, text }) => {
    if (kind === "gap") return h(tags.gap, {}, markFewHidden(text));
    const content = kind === "removed" ? sides.old[at.old] : sides.new[at.new];
    if (kind !== "added") at.old++;
    if (kind !== "removed") at.new++;
    return h(tags[kind], {}, markFewHidden(...(content ?? [text])), "\n");
  });
  const more = lines.length - shown.length;
  return h(
    "pre.diff",
    { tabindex: "0", role: "group", "aria-label": `${label}: ${diffWords(lines, formats)}` },
    nodes,
    more > 0 && h(tags.gap, {}, `${plural(more, "more line", formats)}`),
  );
}

/** One side of the diff, which is coloured as a whole: a string or a comment may go over several lines. */
function coloured(
  lines: readonly DiffLine[],
  without: DiffLine["kind"],
  language: string,
): readonly (readonly Child[])[] {
  const text = lines.filter(({ kind }) => kind !== "gap" && kind !== without).map((line) => line.text);
  return linesOf(highlight(text.join("\n"), language));
}

/** Cuts coloured code at its line ends; what goes over several lines is in each of them. */
export function linesOf(children: readonly Child[]): readonly (readonly Child[])[] {
  const lines: Child[][] = [[]];
  const add = (parts: readonly (readonly Child[])[]) => {
    for (const [index, part] of parts.entries()) {
      if (index > 0) lines.push([]);
      lines.at(-1)?.push(...part);
    }
  };
  for (const child of children) {
    if (typeof child === "string") add(child.split("\n").map((part) => (part === "" ? [] : [part])));
    else add(linesOf(childrenOf(child)).map((inner) => (inner.length === 0 ? [] : [withChildren(child, inner)])));
  }
  return lines;
}

/** What the highlighter knows a file by: its ending. */
export function languageOf(path: string): string {
  return /\.([\w+#-]{1,20})$/.exec(path)?.[1]?.toLowerCase() ?? "";
}
