/** Offsets in UTF-16 units; `end` is exclusive. */
export interface OffsetRange {
  readonly start: number;
  readonly end: number;
}

/** A selection without the white space at its ends, so that a replacement keeps the line breaks around it. */
export function withoutSpace(text: string, start: number): OffsetRange {
  const from = start + (text.length - text.trimStart().length);
  return { start: from, end: Math.max(from, start + text.trimEnd().length) };
}
