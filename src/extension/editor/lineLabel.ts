import type { LineRange } from "../../common/attachments";

/** A range of an editor: lines and characters count from 0. */
export interface EditorRange {
  readonly start: { readonly line: number };
  readonly end: { readonly line: number; readonly character: number };
}

/** The lines of a selection, counted from 1. One that ends at column 0 of a line does not include that line. */
export function selectedLines({ start, end }: EditorRange): LineRange {
  const isBefore = end.character === 0 && end.line > start.line;
  return { from: start.line + 1, to: isBefore ? end.line : end.line + 1 };
}

/** "3-9" or "3". */
export function lineLabel(range: EditorRange): string {
  const { from, to } = selectedLines(range);
  return from === to ? String(from) : `${from}-${to}`;
}
