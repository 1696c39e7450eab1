/** A range of an editor: lines and characters count from 0. */
export interface LineRange {
  readonly start: { readonly line: number };
  readonly end: { readonly line: number; readonly character: number };
}

/** "3-9" or "3", counted from 1. A selection that ends at column 0 of a line does not include that line. */
export function lineLabel({ start, end }: LineRange): string {
  const isBefore = end.character === 0 && end.line > start.line;
  const first = start.line + 1;
  const last = isBefore ? end.line : end.line + 1;
  return first === last ? String(first) : `${first}-${last}`;
}
