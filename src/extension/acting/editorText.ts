/** Texts of files as VS Code's documents have them: one kind of line end for all lines. */

const lineEnds = /\r\n|\r|\n/g;

/** The text with the line ends that a document of it would have: those of most of its lines. */
export function asDocument(text: string): string {
  if (!text.includes("\r")) return text;
  const ends = text.match(lineEnds) ?? [];
  const withReturn = ends.filter((end) => end !== "\n").length;
  const end = withReturn > ends.length / 2 ? "\r\n" : "\n";
  return ends.every((one) => one === end) ? text : text.replaceAll(lineEnds, end);
}

/** Whether two texts differ in more than their line ends. */
export function isSameText(a: string, b: string): boolean {
  return a === b || a.replaceAll(lineEnds, "\n") === b.replaceAll(lineEnds, "\n");
}

/** What must be replaced to make `after` of `before`, in UTF-16 units; never in the middle of a line end or of a character. */
export interface Replacement {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The shortest one: cursors, folds and breakpoints elsewhere in the file stay where they are. */
export function replacementOf(before: string, after: string): Replacement {
  const most = Math.min(before.length, after.length);
  let start = 0;
  while (start < most && before.charCodeAt(start) === after.charCodeAt(start)) start++;
  while (start > 0 && isInside(before, after, start)) start--;
  let tail = 0;
  while (
    tail < most - start &&
    before.charCodeAt(before.length - 1 - tail) === after.charCodeAt(after.length - 1 - tail)
  ) {
    tail++;
  }
  while (tail > 0 && (splits(before, before.length - tail) || splits(after, after.length - tail))) tail--;
  return { start, end: before.length - tail, text: after.slice(start, after.length - tail) };
}

function isInside(before: string, after: string, at: number): boolean {
  return splits(before, at) || splits(after, at);
}

/** Between the two halves of "\r\n" or of a surrogate pair. */
function splits(text: string, at: number): boolean {
  const [left, right] = [text.charCodeAt(at - 1), text.charCodeAt(at)];
  if (left === 13 && right === 10) return true;
  return left >= 0xd800 && left <= 0xdbff && right >= 0xdc00 && right <= 0xdfff;
}
