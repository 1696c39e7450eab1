/**
 * Formulas are shown as their LaTeX source. A token "math" keeps their characters, so that Markdown reads no emphasis, no
 * escapes and no lists in them. The forms are $…$, $$…$$, \(…\) and \[…\].
 */
import type { MarkdownIt, StateBlock, StateInline } from "markdown-it";

export function math(parser: MarkdownIt): void {
  parser.inline.ruler.before("escape", "math", readInline);
  parser.block.ruler.before("fence", "math_block", readBlock, { alt: ["paragraph", "blockquote", "list"] });
}

const inlineForms: readonly RegExp[] = [
  /\$\$(?=\S)[^$\n]*?[^\s$]\$\$/y,
  // Two amounts of money are no formula: there is no space inside its dollar signs, and no letter or digit around them.
  /(?<![\w$])\$(?![\s$])[^$\n]*?(?<!\s)\$(?![\w$])/y,
  /\\\((?!\s*\\\))[^\n]*?\\\)/y,
  /\\\[(?!\s*\\\])[^\n]*?\\\]/y,
];

function readInline(state: StateInline, silent: boolean): boolean {
  for (const form of inlineForms) {
    form.lastIndex = state.pos;
    const found = form.exec(state.src)?.[0];
    if (found === undefined || state.pos + found.length > state.posMax) continue;
    if (!silent) state.push("math", "code", 0).content = found;
    state.pos += found.length;
    return true;
  }
  return false;
}

const closing: ReadonlyMap<string, string> = new Map([
  ["$$", "$$"],
  ["\\[", "\\]"],
]);

/** Starts at a line with only the opening sign; ends at the closing sign, a blank line or the end of its container. */
function readBlock(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if (indentOf(state, startLine) >= 4) return false;
  const close = closing.get(lineOf(state, startLine));
  if (close === undefined) return false;
  if (silent) return true;
  let end = startLine + 1;
  while (end < endLine && !state.isEmpty(end) && indentOf(state, end) >= 0) {
    end += 1;
    if (lineOf(state, end - 1).endsWith(close)) break;
  }
  const token = state.push("math_block", "pre", 0);
  token.content = state.getLines(startLine, end, state.blkIndent, false);
  token.map = [startLine, end];
  state.line = end;
  return true;
}

function indentOf(state: StateBlock, line: number): number {
  return (state.sCount[line] ?? 0) - state.blkIndent;
}

function lineOf(state: StateBlock, line: number): string {
  return state.src.slice((state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0), state.eMarks[line]).trimEnd();
}
