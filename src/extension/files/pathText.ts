/** Paths as people drop, paste and type them. */
import type { LineRange } from "../../common/attachments";

/** A path or a URI, with the lines that it names. */
export interface NamedPath {
  readonly name: string;
  readonly range?: LineRange;
}

/** "src/a.ts:3", "src/a.ts:3-9", "src/a.ts:3:14" (a compiler's place), "src/a.ts#L3-L9", a URI with such an end. */
const withLines = /^(.+?)(?::(\d+)(?:[-–](\d+)|:\d+)?|#L?(\d+)(?:,\d+)?(?:-L?(\d+)(?:,\d+)?)?)$/s;

export function namedPath(text: string): NamedPath {
  const trimmed = unquoted(text.trim());
  const [, name = "", line, lastLine, mark, lastMark] = withLines.exec(trimmed) ?? [];
  const from = Number(line ?? mark ?? 0);
  if (name === "" || from < 1) return { name: trimmed };
  const to = Number(lastLine ?? lastMark ?? from);
  return { name, range: { from: Math.min(from, Math.max(1, to)), to: Math.max(from, to) } };
}

/** The entries of a drop or a paste: a list of URIs has comments, and one entry a line. */
export function namedPaths(texts: readonly string[]): readonly NamedPath[] {
  const lines = texts.flatMap((text) => text.split(/\r?\n/)).map((line) => line.trim());
  const entries = new Set(lines.filter((line) => line !== "" && !line.startsWith("# ")));
  return [...entries].map(namedPath);
}

function unquoted(text: string): string {
  const quote = text.charAt(0);
  const isQuoted = text.length > 2 && (quote === '"' || quote === "'") && text.endsWith(quote);
  return isQuoted ? text.slice(1, -1) : text;
}

/** "file:///a", "memfs:/a", "untitled:a", not "C:/a". */
export function isUri(text: string): boolean {
  return /^([a-z][a-z0-9+.-]+:\/|untitled:)/i.test(text);
}

export function isAbsolute(text: string): boolean {
  return /^(\/|\\\\|[a-z]:[\\/])/i.test(text);
}

/** The lines of a text from `range.from` to `range.to`, both included; what is behind the end is left out. */
export function linesOf(text: string, { from, to }: LineRange): string {
  let start = 0;
  for (let line = 1; line < from; line++) {
    const end = text.indexOf("\n", start);
    if (end < 0) return "";
    start = end + 1;
  }
  let end = start;
  for (let line = from; line <= to; line++) {
    const next = text.indexOf("\n", end);
    if (next < 0) return text.slice(start);
    end = next + 1;
  }
  return text.slice(start, end);
}

export function lineCount(text: string): number {
  let lines = text === "" || text.endsWith("\n") ? 0 : 1;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) lines++;
  return lines;
}

/** "a.ts:3–9" */
export function placeLabel(path: string, range?: LineRange): string {
  if (range === undefined) return path;
  return `${path}:${range.from === range.to ? range.from : `${range.from}–${range.to}`}`;
}
