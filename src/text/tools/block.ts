import { BracketScanner } from "./bracketScanner";
import type { DeclaredTools } from "./declaredTools";
import { closers, openers, type ToolFormat } from "./formats";
import { type BlockCalls, looksLikeCalls, readCalls, textBehindCalls } from "./readCalls";
import type { Ending } from "./starts";
import { TextBuffer } from "./textBuffer";
import { behindSpace } from "./textReader";

/** How a block was begun. */
export interface BlockStart {
  /** White space before it, which belongs to it if it is one. */
  readonly space: string;
  /** Its opening mark, "" if it has none. */
  readonly mark: string;
  readonly ending: Ending;
  readonly isTrusted: boolean;
}

/** What came of a block. `inside` goes up to the end of the calls or of the block, `rest` is the text behind. */
export type ClosedBlock =
  | { readonly kind: "calls"; readonly read: BlockCalls; readonly said: string; readonly rest: string }
  | { readonly kind: "malformed"; readonly inside: string; readonly said: string; readonly rest: string }
  /** No call and no text: a message that is not shown. */
  | { readonly kind: "hidden"; readonly said: string; readonly rest: string };

/** What came of a block at the end of the answer. */
export type BlockEnd = ClosedBlock | { readonly kind: "cut"; readonly read?: BlockCalls; readonly said: string };

/** The first attempts to read a block are free; later ones wait until it has grown, so that all of them take linear time. */
const freeAttempts = 16;
const growth = 1.5;
/** At so many closing marks a broken block may have ended. */
const mostFirst = 16;
/** More white space than this stands between no two blocks. */
const mostSpace = 1024;

interface Place {
  readonly start: number;
  readonly end: number;
}

/**
 * The text of a block while it comes. A closing mark ends it where the calls before it can be read; where a value may
 * hold that mark itself, only what follows tells: nothing, or the next block.
 */
export class Block {
  private readonly buffer = new TextBuffer();
  private readonly closing: readonly string[];
  private readonly opening: readonly string[];
  private readonly marks: RegExp;
  private readonly longestMark: number;
  private readonly scanner: BracketScanner | undefined;
  private window = "";
  /** Blocks that were opened, less those that were closed: a value may hold whole calls. */
  private depth = 1;
  /** The last closing mark, and the first ones. */
  private closed: Place | undefined;
  private readonly firstClosed: Place[] = [];
  private read: { readonly calls: BlockCalls; readonly place: Place } | undefined;
  private attempts = 0;
  private lastAttempt = 0;

  constructor(
    readonly start: BlockStart,
    private readonly format: ToolFormat,
    private readonly tools: DeclaredTools,
  ) {
    const own = start.ending === "function" ? ["</function>"] : [];
    this.closing = start.ending === "answer" ? [] : [...own, ...closers(format)];
    this.opening = openers(format);
    const all = [...this.closing, ...this.opening];
    this.marks = new RegExp(all.map((mark) => mark.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("|") || "(?!)", "g");
    this.longestMark = all.reduce((longest, { length }) => Math.max(longest, length), 1);
    if (start.ending === "brackets") this.scanner = new BracketScanner(format.shape === "pythonic" ? "\"'" : '"');
  }

  /** More text. Gives the end of the block if it is in there. */
  push(text: string): ClosedBlock | undefined {
    const known = this.window.length;
    const base = this.buffer.length - known;
    const all = this.window + text;
    let done = known;
    const add = (until: number) => {
      const piece = all.slice(done, until);
      this.buffer.add(piece);
      done = until;
      return this.scan(piece, base + until);
    };
    for (const found of all.matchAll(this.marks)) {
      const start = found.index;
      const end = start + found[0].length;
      if (end <= known) continue;
      const scanned = add(end);
      if (scanned !== undefined) return { ...scanned, rest: scanned.rest + all.slice(done) };
      const place = { start: base + start, end: base + end };
      const ended = this.closing.includes(found[0]) ? this.close(place) : this.open(place, false);
      if (ended !== undefined) return { ...ended, rest: ended.rest + all.slice(done) };
    }
    const scanned = add(all.length);
    this.window = all.slice(Math.max(0, all.length - this.longestMark + 1));
    return scanned;
  }

  /** A closing mark that is one token, or an end of the answer that is one (then without text). */
  pushClose(text: string): ClosedBlock | undefined {
    return this.close(this.pushMark(text));
  }

  /** An opening mark that is one token. Where it begins a block, this one has ended before it. */
  pushOpen(text: string): ClosedBlock | undefined {
    return this.open(this.pushMark(text), true);
  }

  private pushMark(text: string): Place {
    const start = this.buffer.length;
    this.buffer.add(text);
    this.window = "";
    return { start, end: this.buffer.length };
  }

  /** No more text comes. */
  finish(isCut: boolean): BlockEnd {
    if (this.read !== undefined) return this.calls(this.read.calls, this.read.place.end);
    const { isTrusted, ending } = this.start;
    const text = this.buffer.text();
    if (isCut) {
      const read = ending === "answer" ? undefined : this.readAll(text, "cut");
      if (read?.isWhole === true) return this.calls(read, read.end);
      return { kind: "cut", ...(read === undefined ? {} : { read }), said: text };
    }
    if (ending === "answer") return this.wholeAnswer(text);
    // What was opened by a text that only looks like a mark has to be closed.
    if (!isTrusted && ending === "mark") return this.malformed(text.length, text.length);
    return this.lastAttempts(text);
  }

  private lastAttempts(text: string): BlockEnd {
    const { closed } = this;
    const whole = this.readAll(text, "strict");
    if (whole !== undefined && this.mayEndAt(whole.end, text)) return this.calls(whole, whole.end);
    const first = this.firstRepaired(text);
    if (first !== undefined) return this.calls(first.read, first.end);
    const upToMark = closed === undefined ? undefined : this.readAll(text.slice(0, closed.start), "repair");
    if (closed !== undefined && upToMark !== undefined) return this.calls(upToMark, closed.end);
    const read = this.readAll(text, "repair");
    if (read !== undefined) return this.calls(read, read.end);
    const { start, end } = this.firstClosed[0] ?? { start: text.length, end: text.length };
    return this.malformed(start, end);
  }

  /** Words before the closing mark belong to the block, so that the mark does; what looks like another call is read anew. */
  private mayEndAt(end: number, text: string): boolean {
    if (this.closed === undefined) return true;
    const left = text.slice(end, this.closed.start);
    return left.trim() === "" || looksLikeCalls(left, this.format);
  }

  /** Behind a broken call, other blocks may stand: its values must not take them in. */
  private firstRepaired(text: string): { readonly read: BlockCalls; readonly end: number } | undefined {
    for (const { start, end } of this.firstClosed) {
      const read = this.readAll(text.slice(0, start), "repair");
      if (read?.endIsSure === true && behindSpace(text, read.end) >= start) return { read, end };
    }
    return undefined;
  }

  /** Calls without marks count only where they are everything up to the end. */
  private wholeAnswer(text: string): BlockEnd {
    const read = this.readAll(text, "strict") ?? this.readAll(text, "repair");
    const rest = read === undefined ? text : textBehindCalls(text.slice(read.end), this.format);
    return read !== undefined && rest === "" ? this.calls(read, text.length) : this.malformed(text.length, text.length);
  }

  private readAll(inside: string, reading: "strict" | "cut" | "repair"): BlockCalls | undefined {
    const read = readCalls(inside, this.format, this.tools, reading);
    return read !== undefined && (reading !== "strict" || read.isWhole) && read.calls.length > 0 ? read : undefined;
  }

  private close(place: Place): ClosedBlock | undefined {
    this.depth -= 1;
    this.closed = place;
    if (this.firstClosed.length < mostFirst) this.firstClosed.push(place);
    if (!this.mayAttempt(place.start)) return undefined;
    const inside = this.buffer.text().slice(0, this.start.ending === "function" ? place.end : place.start);
    const read = this.readAll(inside, "strict");
    if (read === undefined || behindSpace(inside, read.end) < inside.length) return undefined;
    if (read.endIsSure) return this.calls(read, place.end);
    this.read = { calls: read, place };
    return undefined;
  }

  private open(place: Place, isToken: boolean): ClosedBlock | undefined {
    const ended = this.mayEndBefore(place, isToken) ? this.endBefore(place, isToken) : undefined;
    if (ended === undefined) {
      this.depth += 1;
      return undefined;
    }
    // The mark of a token begins the next block by itself.
    return isToken ? ended : { ...ended, rest: ended.rest + this.buffer.tail(place.start) };
  }

  /** Cheap: the mark may stand in a value, many times. */
  private mayEndBefore(place: Place, isToken: boolean): boolean {
    if (this.isNext(place)) return true;
    if (this.read !== undefined) return this.depth <= 0;
    if (isToken && !this.start.isTrusted) return true;
    if (this.closed !== undefined || !(isToken || this.start.isTrusted)) return false;
    return this.mayAttempt(place.start);
  }

  /** Only white space stands between the last closing mark and `place`. */
  private isNext({ start }: Place): boolean {
    const { closed } = this;
    if (closed === undefined || start - closed.end > mostSpace) return false;
    return (
      this.buffer
        .tail(closed.end)
        .slice(0, start - closed.end)
        .trim() === ""
    );
  }

  private endBefore(place: Place, isToken: boolean): ClosedBlock | undefined {
    const { read, closed } = this;
    const text = this.buffer.text().slice(0, place.start);
    const upTo = (calls: BlockCalls, end: number) => ({
      kind: "calls" as const,
      read: calls,
      said: text.slice(0, end),
      rest: text.slice(end),
    });
    if (read !== undefined) return upTo(read.calls, read.place.end);
    const end = closed ?? { start: place.start, end: place.start };
    const inside = text.slice(0, end.start);
    const strict = this.readAll(inside, "strict");
    if (strict !== undefined && behindSpace(inside, strict.end) >= inside.length) return upTo(strict, end.end);
    // The mark belongs to a value, unless there the block must have ended.
    const isLast = this.closing.length === 0 && this.scanner?.isInString !== true;
    const mustEnd = isToken && (isLast || !this.start.isTrusted);
    if (closed === undefined && !mustEnd) return undefined;
    const first = this.firstRepaired(text);
    if (first !== undefined) return upTo(first.read, first.end);
    const repaired = this.readAll(inside, "repair");
    const counts =
      this.start.isTrusted || (repaired !== undefined && behindSpace(inside, repaired.end) >= inside.length);
    if (repaired !== undefined && counts) return upTo(repaired, closed === undefined ? repaired.end : end.end);
    return { kind: "malformed", inside, said: text.slice(0, end.end), rest: text.slice(end.end) };
  }

  /** Follows the brackets; behind the last one a block without closing mark has ended. */
  private scan(piece: string, end: number): ClosedBlock | undefined {
    if (this.scanner === undefined) return undefined;
    for (let at = this.scanner.push(piece); at !== undefined; at = this.scanner.push(piece, at)) {
      const place = end - piece.length + at;
      if (!this.mayAttempt(place)) continue;
      const read = this.readAll(this.buffer.text().slice(0, place), "strict");
      if (read !== undefined) return this.calls(read, place);
    }
    return undefined;
  }

  private mayAttempt(length: number): boolean {
    if (this.attempts >= freeAttempts && length < this.lastAttempt * growth) return false;
    this.attempts += 1;
    this.lastAttempt = length;
    return true;
  }

  private calls(read: BlockCalls, end: number): ClosedBlock {
    const text = this.buffer.text();
    return { kind: "calls", read, said: text.slice(0, end), rest: text.slice(end) };
  }

  private malformed(insideEnd: number, end: number): ClosedBlock {
    const text = this.buffer.text();
    return { kind: "malformed", inside: text.slice(0, insideEnd), said: text.slice(0, end), rest: text.slice(end) };
  }
}
