/** Largest part of a file that goes into a prompt. */
export const maxSurroundingBytes = 8000;

export interface Surroundings {
  readonly prefix: string;
  readonly suffix: string;
}

/** Bytes around the cursor that go into a prompt: with the selection at most half of the context, as a token has at least one byte. */
export function surroundingBytes(contextTokens: number, selectionBytes = 0): number {
  return Math.max(0, Math.min(maxSurroundingBytes, Math.floor(contextTokens / 2)) - selectionBytes);
}

/** The end of `before` and the start of `after`, cut at line breaks. At least a quarter of the bytes is for `after`. */
export function surroundings(before: string, after: string, bytes: number): Surroundings {
  const suffix = start(after, Math.max(bytes / 4, bytes - byteLength(before)));
  return { prefix: end(before, bytes - byteLength(suffix)), suffix };
}

function end(text: string, bytes: number): string {
  if (byteLength(text) <= bytes) return text;
  const lines = text.split("\n");
  let size = 0;
  let from = lines.length;
  while (from > 0) {
    size += byteLength(lines[from - 1] ?? "") + 1;
    if (size > bytes) break;
    from--;
  }
  return lines.slice(from).join("\n");
}

function start(text: string, bytes: number): string {
  if (byteLength(text) <= bytes) return text;
  const lines = text.split("\n");
  let size = 0;
  let to = 0;
  while (to < lines.length) {
    size += byteLength(lines[to] ?? "") + 1;
    if (size > bytes) break;
    to++;
  }
  return lines.slice(0, to).join("\n");
}

export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}
