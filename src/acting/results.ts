/** Texts of results: cut with a note that says how to see more, numbered lines, never half a character. Linear in what is read. */

/** A line that is longer is cut: minified files have one line of megabytes. */
const longestLine = 2000;

/** UTF-16 units that a result may have for a model with this context: about an eighth of it. */
export function resultLengthFor(contextTokens: number): number {
  // A server may not tell its context.
  if (contextTokens <= 0) return 16_000;
  return Math.min(24_000, Math.max(1500, Math.floor((contextTokens * 3) / 8)));
}

/** Its beginning, at most `most` units long, and never half a character. */
export function beginning(text: string, most: number): string {
  if (text.length <= most) return text;
  return text.slice(0, isHighSurrogate(text.charCodeAt(most - 1)) ? most - 1 : most);
}

/** A text of unknown origin and length as a result: its beginning with a note. */
export function cutText(text: string, most: number, more = "it is too long to be shown whole"): string {
  if (text.length <= most) return text;
  const kept = beginning(text, most);
  return `${kept}\n[… ${text.length - kept.length} characters left out: ${more}]`;
}

export interface NumberedLines {
  /** Each with its number, a tab and its text. */
  readonly text: string;
  /** Of the first and of the last line that are there; `to` < `from`: none is. */
  readonly from: number;
  readonly to: number;
  /** Lines of the whole text; a line end at its end begins no further line. */
  readonly total: number;
}

/** The lines `from` to `to` (from 1) of a text with any line ends, as many as fit into `most` units, at least one. */
export function numberedLines(text: string, from: number, to: number, most: number): NumberedLines {
  const lines: string[] = [];
  let length = 0;
  let number = 0;
  let isFull = false;
  let last = from - 1;
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const stop = end < 0 ? text.length : end;
    number += 1;
    if (!isFull && number >= from && number <= to) {
      const line = `${number}\t${shortLine(text, at, stop)}`;
      if (lines.length > 0 && length + line.length + 1 > most) isFull = true;
      else {
        lines.push(line);
        length += line.length + 1;
        last = number;
      }
    }
    at = stop + 1;
  }
  return { text: lines.join("\n"), from, to: last, total: number };
}

function shortLine(text: string, start: number, stop: number): string {
  const end = stop > start && text.charCodeAt(stop - 1) === 0x0d ? stop - 1 : stop;
  if (end - start <= longestLine) return text.slice(start, end);
  const kept = beginning(text.slice(start, start + longestLine + 1), longestLine);
  return `${kept}… (${end - start - kept.length} characters more)`;
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

/** "1 file", "1204 files": for models, which need no separators. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
