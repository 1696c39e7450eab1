/** Lines of a text that match what a model searches for. */

export interface LineQuery {
  readonly text: string;
  readonly isRegex: boolean;
}

export interface MatchingLine {
  /** From 1. */
  readonly line: number;
  readonly text: string;
}

/** The beginning of a line that is given back: minified files have lines of megabytes. */
const mostOfLine = 400;

/** Compiles a query. Throws a `SyntaxError` for a regular expression that is none. */
export function lineMatcher({ text, isRegex }: LineQuery): (whole: string, most: number) => readonly MatchingLine[] {
  if (!isRegex) return (whole, most) => matches(whole, most, (from) => whole.indexOf(text, from));
  const regex = regexOf(text);
  return (whole, most) =>
    matches(whole, most, (from) => {
      regex.lastIndex = from;
      return regex.exec(whole)?.index ?? -1;
    });
}

/** Each line once, where a match begins in it. An empty match counts. */
function matches(whole: string, most: number, next: (from: number) => number): readonly MatchingLine[] {
  const found: MatchingLine[] = [];
  let number = 1;
  let lineStart = 0;
  for (let at = next(0); at >= 0 && found.length < most; ) {
    // Lines up to the one with the match.
    for (let end = whole.indexOf("\n", lineStart); end >= 0 && end < at; end = whole.indexOf("\n", lineStart)) {
      lineStart = end + 1;
      number++;
    }
    const end = whole.indexOf("\n", lineStart);
    const stop = end < 0 ? whole.length : end;
    const isEmptyEnd = stop === lineStart && end < 0 && number > 1;
    if (!isEmptyEnd) found.push({ line: number, text: beginning(whole, lineStart, stop) });
    if (end < 0) break;
    at = next(end + 1);
  }
  return found;
}

function beginning(whole: string, start: number, stop: number): string {
  const end = stop > start && whole.charCodeAt(stop - 1) === 13 ? stop - 1 : stop;
  if (end - start <= mostOfLine) return whole.slice(start, end);
  const last = whole.charCodeAt(start + mostOfLine - 1);
  return whole.slice(start, start + mostOfLine - (last >= 0xd800 && last <= 0xdbff ? 1 : 0));
}

/** With "u" where the expression allows it; "^" and "$" are those of lines. */
function regexOf(text: string): RegExp {
  try {
    return new RegExp(text, "gmu");
  } catch {
    return new RegExp(text, "gm");
  }
}
