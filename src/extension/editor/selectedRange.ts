/** Offsets in UTF-16 units; `end` is exclusive. */
export interface OffsetRange {
  readonly start: number;
  readonly end: number;
}

/** A selection without white space at its ends: what is rewritten keeps its place between the lines around. */
export function withoutSpace(text: string, start: number): OffsetRange {
  const from = start + (text.length - text.trimStart().length);
  return { start: from, end: Math.max(from, start + text.trimEnd().length) };
}
