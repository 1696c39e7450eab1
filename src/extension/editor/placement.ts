import { commentMarks } from "./languages";

/** The text around the place where code is inserted. */
export interface Place {
  readonly languageId: string;
  /** The parts of the line before and after the place. */
  readonly before: string;
  readonly after: string;
  /** The nearest lines above and below that are not blank. */
  readonly above?: string;
  readonly below?: string;
  /** One level of indentation, as the editor's options say. */
  readonly unit: string;
}

export interface Placement {
  /** Prefix of the first line of code, suffix of the last line. */
  readonly first: string;
  readonly last: string;
  /** Prefix of all other lines. */
  readonly indent: string;
}

/** How code fits in: on lines of its own if the line before the cursor is complete, else as the rest of that line. */
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

/** For code that replaces a selection without white space at its ends. */
export function replacement(before: string): Placement {
  return { first: "", last: "", indent: leadingSpace(before) };
}

export function leadingSpace(line: string): string {
  return /^[ \t]*/.exec(line)?.[0] ?? "";
}

/** Editors trim blank lines, so the lines around give the indentation: the smaller one of the two. */
function indentBetween({ above, below, unit, languageId }: Place): string {
  if (above === undefined || below === undefined) return "";
  const fromAbove = leadingSpace(above) + (opensBlock(above, languageId) ? unit : "");
  const fromBelow = leadingSpace(below) + (/^\s*[)\]}]/.test(below) ? unit : "");
  return fromAbove.length < fromBelow.length ? fromAbove : fromBelow;
}

/** The brace of a template (`${`) or an attribute (`={`) does not open a block. */
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
