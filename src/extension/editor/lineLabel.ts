/** A range of positions as editors give it: lines from 0. */
export interface LineRange {
  readonly start: { readonly line: number };
  readonly end: { readonly line: number; readonly character: number };
}

/** "3-9", or "3": lines as people count them. A selection that ends before a line's first character leaves that line out. */
export function lineLabel({ start, end }: LineRange): string {
  const isBefore = end.character === 0 && end.line > start.line;
  const first = start.line + 1;
  const last = isBefore ? end.line : end.line + 1;
  return first === last ? String(first) : `${first}-${last}`;
}
