/**
 * "[^1]" in a text and "[^1]: the note" below it. Both are shown where they are written: notes collected at the end would
 * jump while the answer streams.
 */
import type { MarkdownIt, StateBlock, StateInline } from "markdown-it";

export function footnotes(parser: MarkdownIt): void {
  parser.inline.ruler.before("link", "footnote_mark", readMark);
  // Before link definitions: they would read "[^1]: word" as an address and show nothing.
  parser.block.ruler.before("reference", "footnote", readNote, { alt: ["paragraph", "reference"] });
}

const label = /\[\^([^\]\s]{1,60})\]/y;

function readMark(state: StateInline, silent: boolean): boolean {
  label.lastIndex = state.pos;
  const found = label.exec(state.src);
  if (!found || state.pos + found[0].length > state.posMax) return false;
  if (!silent) state.push("footnote_mark", "sup", 0).content = found[1] ?? "";
  state.pos += found[0].length;
  return true;
}

/** A note ends at a blank line or at the next note. */
function readNote(state: StateBlock, startLine: number, endLine: number, silent: boolean): boolean {
  if ((state.sCount[startLine] ?? 0) - state.blkIndent >= 4) return false;
  const found = noteAt(state, startLine);
  if (!found) return false;
  if (silent) return true;
  let end = startLine + 1;
  while (end < endLine && !state.isEmpty(end) && (state.sCount[end] ?? 0) >= state.blkIndent && !noteAt(state, end))
    end += 1;
  const open = state.push("footnote_open", "p", 1);
  open.map = [startLine, end];
  open.info = found.name;
  const inline = state.push("inline", "", 0);
  inline.content = state.getLines(startLine, end, state.blkIndent, false).trim().slice(found.length).trim();
  inline.map = [startLine, end];
  inline.children = [];
  state.push("footnote_close", "p", -1);
  state.line = end;
  return true;
}

function noteAt(state: StateBlock, line: number): { readonly name: string; readonly length: number } | undefined {
  const start = (state.bMarks[line] ?? 0) + (state.tShift[line] ?? 0);
  const found = /^\[\^([^\]\s]{1,60})\]:(?=\s|$)/.exec(state.src.slice(start, state.eMarks[line]));
  return found ? { name: found[1] ?? "", length: found[0].length } : undefined;
}
