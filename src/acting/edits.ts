/**
 * Replacing a part of a text that a model quotes. The quote must stand there exactly once; else once up to spaces at the ends of
 * its lines; else once up to the indentation that all of its lines have in common. Never what is only similar: an edit in the
 * wrong place is worse than a refusal. Everything outside of the part keeps each byte; the new lines get the file's line ends.
 * All of it is linear in the lengths of the texts.
 */
import { findAll } from "./findAll";
import { commonIndent, indented, withoutIndent } from "./indentation";
import { type TextLine, textLines } from "./textLines";

export type EditMatch = "exact" | "spaces" | "indentation";

export type Edited =
  | {
      readonly kind: "edited";
      readonly match: EditMatch;
      readonly text: string;
      /** The first line of the new part, from 1. */
      readonly line: number;
    }
  /** The text would stay as it is. */
  | { readonly kind: "same" }
  /** The old part is empty, and the text is not. */
  | { readonly kind: "empty" }
  | { readonly kind: "missing" }
  /** Where it begins each time, lines from 1, the first few. */
  | { readonly kind: "several"; readonly lines: readonly number[]; readonly isMore: boolean };

interface Place {
  readonly start: number;
  readonly end: number;
  /** What stands there afterwards, with "\n". */
  readonly text: string;
}

const byteOrderMark = "\ufeff";
/** Places that are told where there are several. */
const mostPlaces = 5;

export function replaceOnce(content: string, before: string, after: string): Edited {
  const mark = content.startsWith(byteOrderMark) ? byteOrderMark : "";
  const body = content.slice(mark.length);
  const [old, fresh] = [unified(before), unified(after)];
  if (old === "" && body !== "") return { kind: "empty" };
  if (old === fresh) return { kind: "same" };
  const lines = textLines(body);
  for (const [match, find] of [
    ["exact", exactPlaces],
    ["spaces", spacedPlaces],
    ["indentation", indentedPlaces],
  ] as const) {
    const places = find(body, lines, old, fresh);
    const [place] = places;
    if (place === undefined) continue;
    if (places.length > 1) return several(lines, places);
    const text = `${mark}${body.slice(0, place.start)}${withEnds(place.text, lines)}${body.slice(place.end)}`;
    return text === content ? { kind: "same" } : { kind: "edited", match, text, line: lineAt(lines, place.start) };
  }
  return { kind: "missing" };
}

/** Line ends of a model are "\n", whatever it wrote; a mark at its beginning belongs to the file. */
function unified(text: string): string {
  const plain = text.startsWith(byteOrderMark) ? text.slice(1) : text;
  return plain.replaceAll("\r\n", "\n");
}

/** The ends that most of the file's lines have. */
function withEnds(text: string, lines: readonly TextLine[]): string {
  const ended = lines.filter(({ end }) => end !== "");
  const isCrLf = ended.filter(({ end }) => end === "\r\n").length * 2 > ended.length;
  return isCrLf ? text.replaceAll("\n", "\r\n") : text;
}

function several(lines: readonly TextLine[], places: readonly Place[]): Edited {
  const first = places.slice(0, mostPlaces).map(({ start }) => lineAt(lines, start));
  return { kind: "several", lines: first, isMore: places.length > mostPlaces };
}

function lineAt(lines: readonly TextLine[], offset: number): number {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle]?.start ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return Math.max(1, low);
}

/** Anywhere in the text, also within a line; "\n" stands for "\r\n" too. */
function exactPlaces(body: string, lines: readonly TextLine[], old: string, fresh: string): readonly Place[] {
  if (old === "") return [{ start: 0, end: 0, text: fresh }];
  const crLf = lines.filter(({ end }) => end === "\r\n").map(({ start, text }) => start + text.length);
  const plain = crLf.length === 0 ? body : body.replaceAll("\r\n", "\n");
  return findAll(plain, old, mostPlaces + 1).map((at) => ({
    start: withReturns(at, crLf),
    end: withReturns(at + old.length, crLf),
    text: fresh,
  }));
}

/** The offset in the text with "\r\n" of an offset in the text with "\n". `returns`: offsets of "\r" in the former. */
function withReturns(offset: number, returns: readonly number[]): number {
  let [low, high] = [0, returns.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    // The "\r" before it are as many as stand before this one.
    if ((returns[middle] ?? 0) - middle < offset) low = middle + 1;
    else high = middle;
  }
  return offset + low;
}

/** The lines of the quote; whether it ends with a line end. */
function quoted(old: string): { readonly lines: readonly string[]; readonly isEnded: boolean } {
  const isEnded = old.endsWith("\n");
  return { lines: (isEnded ? old.slice(0, -1) : old).split("\n"), isEnded };
}

const withoutEnd = (line: string) => line.trimEnd();

function spacedPlaces(_body: string, lines: readonly TextLine[], old: string, fresh: string): readonly Place[] {
  const { lines: quote, isEnded } = quoted(old);
  const found = findAll(
    lines.map(({ text }) => withoutEnd(text)),
    quote.map(withoutEnd),
    mostPlaces + 1,
  );
  return quote.every((line) => line.trim() === "")
    ? []
    : found.map((at) => place(lines, at, quote.length, isEnded, fresh));
}

function indentedPlaces(_body: string, lines: readonly TextLine[], old: string, fresh: string): readonly Place[] {
  const { lines: quote, isEnded } = quoted(old);
  const own = commonIndent(quote);
  const bare = quote.map((line) => withoutIndent(line, own).trimEnd());
  if (bare.every((line) => line === "")) return [];
  const trimmed = bare.map((line) => line.trimStart());
  const places: Place[] = [];
  // Letters agree; now each line must have one and the same indentation before what it has in the quote.
  for (const at of findAll(
    lines.map(({ text }) => text.trim()),
    trimmed,
    mostCandidates,
  )) {
    const indent = indentOf(lines, at, bare);
    if (indent === undefined) continue;
    places.push(place(lines, at, quote.length, isEnded, indented(fresh, own, indent)));
    if (places.length > mostPlaces) break;
  }
  return places;
}

/** Places whose indentation is compared: more of the same letters than this are no quote. */
const mostCandidates = 1000;

/** What stands before each of the quote's lines in the text; `undefined`: not the same before all of them. */
function indentOf(lines: readonly TextLine[], at: number, bare: readonly string[]): string | undefined {
  let indent: string | undefined;
  for (const [index, line] of bare.entries()) {
    if (line === "") continue;
    const there = lines[at + index]?.text.trimEnd() ?? "";
    if (!there.endsWith(line)) return undefined;
    const before = there.slice(0, there.length - line.length);
    if (before.trim() !== "" || (indent !== undefined && before !== indent)) return undefined;
    indent = before;
  }
  return indent;
}

/** Whole lines: with the last one's end where the quote has one. */
function place(lines: readonly TextLine[], at: number, count: number, isEnded: boolean, fresh: string): Place {
  const start = lines[at]?.start ?? 0;
  const last = lines[at + count - 1];
  const end = last === undefined ? start : last.start + last.text.length;
  if (!isEnded || last === undefined) return { start, end, text: fresh };
  // The text may end without a line end; then the new part does.
  if (last.end === "") return { start, end, text: fresh.replace(/\n$/, "") };
  return { start, end: end + last.end.length, text: fresh };
}
