import { commentMarks } from "./languages";

/** What stands around the place where code goes in. */
export interface Place {
  readonly languageId: string;
  /** Of the line, before and behind the place. */
  readonly before: string;
  readonly after: string;
  /** The nearest lines above and below that are not blank. */
  readonly above?: string;
  readonly below?: string;
  /** One level of indentation, as the editor's options say. */
  readonly unit: string;
}

export interface Placement {
  /** Goes before the first line of code and behind the last one. */
  readonly first: string;
  readonly last: string;
  /** Goes before every other line. */
  readonly indent: string;
}

/** How several lines of code fit in there: on lines of their own where the line is complete, else going on in it. */
export function placement(place: Place): Placement {
  const { before, after, unit } = place;
  const indent = leadingSpace(before);
  const hasMore = after.trim() !== "";
  if (before.trim() === "") {
    if (before === "" && !hasMore) {
      const inner = indentBetween(place);
      return { first: inner, last: "", indent: inner };
    }
    return { first: "", last: hasMore ? `\n${before}` : "", indent: before };
  }
  if (opensBlock(before, place.languageId)) {
    const inner = indent + unit;
    return { first: `\n${inner}`, last: hasMore ? `\n${indent}` : "", indent: inner };
  }
  if (isComplete(before, place.languageId)) {
    return { first: `\n${indent}`, last: hasMore ? `\n${indent}` : "", indent };
  }
  return { first: "", last: "", indent };
}

/** What replaces a part of a line, or whole lines from their first character that is no space on. */
export function replacement(before: string): Placement {
  return { first: "", last: "", indent: leadingSpace(before) };
}

export function leadingSpace(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? "";
}

/** Editors remove the indentation of blank lines: the lines around tell it, and the smaller of the two is meant. */
function indentBetween({ above, below, unit, languageId }: Place): string {
  if (above === undefined || below === undefined) return "";
  const fromAbove = leadingSpace(above) + (opensBlock(above, languageId) ? unit : "");
  const fromBelow = leadingSpace(below) + (/^\s*[)\]}]/.test(below) ? unit : "");
  return fromAbove.length < fromBelow.length ? fromAbove : fromBelow;
}

/** An object's or an attribute's brace in the middle of a line opens no block. */
function opensBlock(line: string, languageId: string): boolean {
  if (languageId === "python") return /:\s*$/.test(line);
  return /\{\s*$/.test(line) && !/[$=]\{\s*$/.test(line);
}

function isComplete(line: string, languageId: string): boolean {
  if (/(?:[;}]|\*\/|-->)\s*$/.test(line)) return true;
  const { open } = commentMarks(languageId);
  const at = line.indexOf(open);
  return at >= 0 && line.slice(0, at).trim() === "";
}
