import type { ToolCall, ToolSpec } from "../../common/tools";
import { Block, type BlockEnd, type BlockStart } from "./block";
import { DeclaredTools } from "./declaredTools";
import { closers, openers, type ToolFormat } from "./formats";
import { HarmonyBlock } from "./harmonyBlock";
import { Outcomes } from "./outcomes";
import { type DroppedCall, type ParsedPart, shown, unseen } from "./parsed";
import { type Before, endingOf, StartFinder, startsOf } from "./starts";

export type { DroppedCall, ParsedPart } from "./parsed";

export interface ToolCallParserOptions {
  readonly format: ToolFormat;
  /** The tools that were declared to the model. */
  readonly tools: readonly ToolSpec[];
  /** The id of a mark that is one token of the vocabulary. */
  readonly idOf: (mark: string) => number | undefined;
  /** A new id for a call. */
  readonly newId: () => string;
}

export interface Parsed {
  /** What is shown. */
  readonly text: string;
  readonly calls: readonly ToolCall[];
  readonly dropped?: DroppedCall;
  /** The same in the order in which it was said. */
  readonly parts: readonly ParsedPart[];
}

/** More white space than this before a call is text. */
const mostSpace = 1024;
/** Each of them is looked for in the whole rest of the answer. */
const mostBlocksAtEnd = 16;

/**
 * Finds the calls in what a model says behind its thought. Marks are recognised by their ids; a mark in other tokens
 * counts where the vocabulary has no token for it, and calls in other forms where a declared tool is called with all
 * its required arguments. What is no call is shown. The pieces may be cut anywhere. Never throws; linear in the text.
 */
export class ToolCallParser {
  private readonly format: ToolFormat;
  private readonly tools: DeclaredTools;
  private readonly outcomes: Outcomes;
  private readonly finder: StartFinder;
  private readonly opens: ReadonlyMap<number, string>;
  private readonly closes: ReadonlyMap<number, string>;
  private block: { readonly start: BlockStart; readonly body: Block | HarmonyBlock } | undefined;
  /** Text of which it is not known yet whether a call begins in it, and the white space before. */
  private pending = "";
  /** So much of it begins no call, and what stands before that place. */
  private searched = 0;
  private before: Before = { isFirst: true, isLine: true };
  /** The last thing before `pending` was a call. */
  private isBehindCall = false;

  constructor({ format, tools, idOf, newId }: ToolCallParserOptions) {
    this.format = format;
    this.tools = new DeclaredTools(tools);
    this.outcomes = new Outcomes(format, this.tools, newId);
    const starts = startsOf(format, (mark) => idOf(mark) !== undefined);
    this.finder = new StartFinder(starts, this.tools.names);
    const isHarmony = format.shape === "harmony";
    this.opens = marksById(isHarmony ? [format.start, format.channel] : openers(format), idOf);
    this.closes = marksById(isHarmony ? harmonyEnds(format) : [...closers(format), ...format.ends], idOf);
  }

  /** `text`: what `id` completed; nothing for a token that ends the answer. */
  push(id: number | undefined, text: string): Parsed {
    const parts: ParsedPart[] = [];
    const open = id === undefined ? undefined : this.opens.get(id);
    const close = id === undefined ? undefined : this.closes.get(id);
    const mark = open ?? close;
    if (mark === undefined) this.take(text, parts);
    else if (this.isHeader(close, text)) {
      this.begin("", parts);
      this.take(text, parts);
    } else {
      const isSaid = text.endsWith(mark);
      this.take(isSaid ? text.slice(0, -mark.length) : text, parts);
      if (open !== undefined) this.takeOpen(open, parts);
      else this.takeClose(mark, isSaid, parts);
    }
    return parsed(parts);
  }

  /** The rest. `isCut`: the model had not ended, so a call that has not ended is dropped. */
  finish(isCut: boolean): Parsed {
    const parts: ParsedPart[] = [];
    // What is left behind a block may begin another one.
    for (let left = mostBlocksAtEnd; this.block !== undefined; left -= 1) {
      const { start, body } = this.block;
      const rest = this.end(start, body.finish(isCut), parts);
      if (left > 0) this.take(rest, parts);
      else this.pending += rest;
    }
    const open = this.pending.slice(this.searched);
    const space = trailingSpace(this.pending);
    const said = isCut && this.beginsMark(open) ? this.pending.length - open.length : this.pending.length - space;
    const rest = this.pending.slice(said);
    this.show(said, parts);
    if (rest !== "") parts.push(isCut || this.isBehindCall ? unseen(rest) : shown(rest));
    this.pending = "";
    return parsed(parts);
  }

  private beginsMark(text: string): boolean {
    return text.startsWith("<") || (text !== "" && openers(this.format).some((mark) => mark.startsWith(text)));
  }

  private take(text: string, parts: ParsedPart[]): void {
    for (let rest = text; rest !== ""; ) {
      const { block } = this;
      if (block === undefined) {
        rest = this.takeOutside(rest, parts);
        continue;
      }
      const ended = block.body.push(rest);
      if (ended === undefined) return;
      rest = this.end(block.start, ended, parts);
    }
  }

  /** Gives the text behind the mark of a block that begins in it. */
  private takeOutside(text: string, parts: ParsedPart[]): string {
    this.pending += text;
    const found = this.finder.find(this.pending, this.searched, this.before, this.isBehindCall);
    this.before = found.before;
    this.searched = found.at;
    const { start, at } = found;
    if (start === undefined) {
      const free = this.pending.slice(0, at);
      if (!this.isBetween(free)) this.show(at - trailingSpace(free), parts);
      return "";
    }
    const inside = at + start.markLength;
    const mark = this.pending.slice(at, inside);
    const rest = this.pending.slice(inside);
    this.pending = this.pending.slice(0, at);
    if (start.ending !== "nothing") this.begin(mark, parts, start);
    else {
      parts.push(unseen(this.pending + mark));
      this.forget();
    }
    return rest;
  }

  /** A block begins behind what is pending. */
  private begin(mark: string, parts: ParsedPart[], { ending, isTrusted } = this.ownStart): void {
    this.show(this.isBetween(this.pending) ? 0 : this.pending.length - trailingSpace(this.pending), parts);
    const start: BlockStart = { space: this.pending, mark, ending, isTrusted };
    const { format, tools } = this;
    const body = format.shape === "harmony" ? new HarmonyBlock(format, tools) : undefined;
    this.block = { start, body: ending === "message" && body !== undefined ? body : new Block(start, format, tools) };
    this.forget();
  }

  private get ownStart(): Pick<BlockStart, "ending" | "isTrusted"> {
    return { ending: endingOf(this.format), isTrusted: true };
  }

  /** Whether `text` is what may stand between two calls. */
  private isBetween(text: string): boolean {
    return this.isBehindCall && text.length <= mostSpace && /^[\s;,]*$/.test(text);
  }

  private takeOpen(mark: string, parts: ParsedPart[]): void {
    // What is left of a block may have begun another one.
    while (this.block !== undefined) {
      const { start, body } = this.block;
      const ended = body.pushOpen(mark);
      if (ended === undefined) return;
      this.take(this.end(start, ended, parts), parts);
    }
    // The recipient of a message of harmony, before its channel.
    const recipient = this.format.shape === "harmony" ? this.pending.slice(this.searched) : "";
    this.pending = this.pending.slice(0, this.pending.length - recipient.length);
    this.begin(recipient === "" ? mark : "", parts);
    if (recipient !== "") this.take(recipient + mark, parts);
  }

  private takeClose(mark: string, isSaid: boolean, parts: ParsedPart[]): void {
    const { block } = this;
    if (block !== undefined) {
      const { body } = block;
      const ended = body instanceof HarmonyBlock ? body.pushClose(mark, isSaid) : body.pushClose(isSaid ? mark : "");
      if (ended !== undefined) this.take(this.end(block.start, ended, parts), parts);
    } else if (isSaid) {
      // Without anything to close it is text, except where it belongs to the call before it or to no text at all.
      const isFrame = this.format.shape === "harmony" || this.isBetween(this.pending);
      if (isFrame) {
        this.show(this.isBetween(this.pending) ? 0 : this.pending.length - trailingSpace(this.pending), parts);
        parts.push(unseen(this.pending + mark));
        this.forget();
      } else this.take(mark, parts);
    }
  }

  /** The header of a message of harmony, given as a whole with the mark at its end. */
  private isHeader(mark: string | undefined, text: string): boolean {
    const { format } = this;
    return this.block === undefined && format.shape === "harmony" && mark === format.message && text !== mark;
  }

  /** Gives the text behind the block. */
  private end(start: BlockStart, ended: BlockEnd, parts: ParsedPart[]): string {
    this.block = undefined;
    const part = this.outcomes.partOf(start, ended);
    parts.push(part);
    this.isBehindCall = part.calls.length > 0 && part.text === "";
    const isSilent = part.text.trim() === "";
    this.before = { isFirst: isSilent && (this.isBehindCall || this.before.isFirst), isLine: true };
    return ended.kind === "cut" ? "" : ended.rest;
  }

  /** Shows the first `count` characters of what is pending. */
  private show(count: number, parts: ParsedPart[]): void {
    if (count <= 0) return;
    const text = this.pending.slice(0, count);
    this.pending = this.pending.slice(count);
    this.searched = Math.max(0, this.searched - count);
    const frame = this.isBehindCall ? (/^\s*/.exec(text)?.[0].length ?? 0) : 0;
    if (frame > 0) parts.push(unseen(text.slice(0, frame)));
    if (frame === text.length) return;
    parts.push(shown(text.slice(frame)));
    this.isBehindCall = false;
  }

  private forget(): void {
    this.pending = "";
    this.searched = 0;
  }
}

function parsed(parts: readonly ParsedPart[]): Parsed {
  const dropped = parts.find((part) => part.dropped !== undefined)?.dropped;
  return {
    text: parts.map(({ text }) => text).join(""),
    calls: parts.flatMap(({ calls }) => calls),
    ...(dropped === undefined ? {} : { dropped }),
    parts,
  };
}

function marksById(marks: readonly string[], idOf: (mark: string) => number | undefined): ReadonlyMap<number, string> {
  const known = marks.flatMap((mark) => {
    const id = idOf(mark);
    return id === undefined ? [] : [[id, mark] as const];
  });
  return new Map(known);
}

function harmonyEnds({ constrain, message, end, close }: Extract<ToolFormat, { shape: "harmony" }>): readonly string[] {
  return [constrain.trim(), message, end, close];
}

/** Length of the white space at the end of `text`, as far as it may belong to a call. */
function trailingSpace(text: string): number {
  let count = 0;
  while (count < mostSpace && count < text.length && text.charAt(text.length - 1 - count).trim() === "") count += 1;
  return count;
}
