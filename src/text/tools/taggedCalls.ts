import { type CallTag, callTags } from "./callTags";
import type { TaggedFormat } from "./formats";
import { argumentsOf } from "./jsonCalls";
import { readJson } from "./lenientJson";
import { behindSpace } from "./textReader";
import { type ReadCalls, type Reading, Spelt, type WrittenCall } from "./written";

/** What is known of the tools while their calls are read. */
export interface KnownNames {
  isTool(name: string): boolean;
  /** Whether the tool may have this argument. Of a tool that is not known everything may be one. */
  mayHave(tool: string, key: string): boolean;
}

/**
 * Calls whose values stand between marks, one or several behind each other. The closing marks may be missing, and a
 * value may hold marks itself: its end is a closing mark behind which the call goes on or ends. Linear in the text.
 */
export function readTaggedCalls(
  text: string,
  format: TaggedFormat,
  names: KnownNames,
  reading: Reading,
): ReadCalls | undefined {
  const tags = callTags(text, format);
  const reader = new TaggedReader(text, tags, names, format.behindKey.endsWith("\n"));
  const calls: WrittenCall[] = [];
  let isWhole = true;
  let end = 0;
  for (let call = reader.nextCall(); call !== undefined; call = reader.nextCall()) {
    const counts = reading === "repair" || (reading === "cut" ? call.isEnded : call.isWhole);
    if (!counts) return calls.length === 0 ? undefined : { calls, end, isWhole: false };
    isWhole &&= call.isWhole;
    end = reader.at;
    calls.push(call);
  }
  return calls.length === 0 ? undefined : { calls, end, isWhole };
}

interface ReadCall extends WrittenCall {
  /** All its values were closed, and it ends with the text or before another call. */
  readonly isWhole: boolean;
  /** It has its closing mark. */
  readonly isEnded: boolean;
}

interface OpenCall {
  readonly name: string;
  /** The arguments before. */
  readonly given: ReadonlyMap<string, unknown>;
  /** The argument whose value is read. */
  readonly key: string;
}

interface ValueEnd {
  /** Behind the value. */
  readonly end: number;
  /** Index of the next tag. */
  readonly next: number;
  /** It was closed, by its own mark (`isOwn`), the next argument or the end of the call. */
  readonly isClosed: boolean;
  readonly isOwn: boolean;
}

class TaggedReader {
  /** Behind what was read. */
  at = 0;
  private index = 0;
  private nests = true;

  constructor(
    private readonly text: string,
    private readonly tags: readonly CallTag[],
    private readonly names: KnownNames,
    private readonly linesAreFrame: boolean,
  ) {}

  /** `undefined`: something else stands here. */
  nextCall(): ReadCall | undefined {
    const tag = this.tags[this.index];
    if (tag?.kind !== "call" || behindSpace(this.text, this.at) < tag.start) return undefined;
    const { name, start } = tag;
    this.index += 1;
    this.at = tag.end;
    const object = this.object();
    if (object !== undefined) return { ...object, name, start, end: this.at };
    const given = new Map<string, unknown>();
    let isWhole = true;
    const read = (whole: boolean, isEnded: boolean) => {
      return { name, arguments: given, start, end: this.at, isWhole: isWhole && whole, isEnded };
    };
    for (;;) {
      const next = this.tags[this.index];
      const here = behindSpace(this.text, this.at);
      // The mark at the call's end is missing. Where nothing is behind the last value, that is all that is missing.
      if (next === undefined || here < next.start) return read(here >= this.text.length, false);
      if (next.kind === "call") return read(true, false);
      this.index += 1;
      this.at = next.end;
      if (next.kind === "callEnd") return read(true, true);
      if (next.kind === "valueEnd") continue;
      const value = this.valueEnd({ name, given, key: next.name });
      given.set(next.name, new Spelt(this.framed(next.end, value)));
      isWhole &&= value.isClosed;
      this.index = value.next;
      this.at = Math.max(value.end, this.tags[value.next - 1]?.end ?? 0);
    }
  }

  /** `<function=f>{"k": …}</function>`: an object in place of the arguments. */
  private object(): Pick<ReadCall, "arguments" | "isWhole" | "isEnded"> | undefined {
    const start = behindSpace(this.text, this.at);
    if (this.text.charAt(start) !== "{") return undefined;
    const read = readJson(this.text, start, "strict");
    const given = read && argumentsOf(read.value, "strict");
    if (read === undefined || given === undefined) return undefined;
    this.at = read.end;
    while ((this.tags[this.index]?.start ?? read.end) < read.end) this.index += 1;
    const next = this.tags[this.index];
    const isEnded = next?.kind === "callEnd" && behindSpace(this.text, read.end) >= next.start;
    if (isEnded) {
      this.index += 1;
      this.at = next.end;
    }
    return { arguments: given, isWhole: true, isEnded };
  }

  /** Where the value ends whose first tag is the next one. */
  private valueEnd(call: OpenCall): ValueEnd {
    if (this.nests) {
      const nested = this.endOf(call, true);
      if (nested !== undefined) return nested;
      // A call in the value that is not closed there: from now on, marks in values are taken as they come.
      this.nests = false;
    }
    return this.endOf(call, false) ?? this.lastEnd();
  }

  private endOf(call: OpenCall, nests: boolean): ValueEnd | undefined {
    let depth = 0;
    // Both marks of an end, behind which something else stands: better than an end that lacks the value's own mark.
    let both: ValueEnd | undefined;
    for (let index = this.index; index < this.tags.length; index += 1) {
      const tag = this.tags[index];
      if (tag === undefined) break;
      if (depth > 0) {
        if (tag.kind === "callEnd") depth -= 1;
        else if (tag.kind === "call") depth += 1;
      } else if (tag.kind === "valueEnd") {
        if (this.goesOn(call, tag.end, index + 1)) return closedBy(tag, index + 1, true);
        const next = this.tags[index + 1];
        const isBoth = next?.kind === "callEnd" && behindSpace(this.text, tag.end) >= next.start;
        if (isBoth) both ??= closedBy(tag, index + 1, true);
      } else if (tag.kind === "callEnd") {
        // The value's own mark is missing.
        if (this.callFollows(tag.end, index + 1)) return both ?? closedBy(tag, index, false);
      } else if (tag.kind === "key") {
        const isLine = !this.linesAreFrame || this.text.charAt(tag.start - 1) === "\n";
        if (isLine && this.mayBegin(call, tag.name)) return closedBy(tag, index, false);
      } else if (nests) depth += 1;
    }
    // What stands behind are other calls.
    return nests && depth === 0 ? both : undefined;
  }

  /** Without a mark before it, only an argument that is not there yet ends a value. */
  private mayBegin(call: OpenCall, key: string): boolean {
    return key !== call.key && !call.given.has(key) && this.names.mayHave(call.name, key);
  }

  /** Whether behind a closed value, at `at`, the call goes on or ends. */
  private goesOn(call: OpenCall, at: number, index: number): boolean {
    const tag = this.tags[index];
    const next = behindSpace(this.text, at);
    if (tag === undefined || next < tag.start) return next >= this.text.length;
    if (tag.kind === "key") return this.names.mayHave(call.name, tag.name) || this.isOnLines(at, tag);
    if (tag.kind === "callEnd") return this.callFollows(tag.end, index + 1);
    return tag.kind === "call" && this.names.isTool(tag.name);
  }

  /** An argument that the tool does not have, written as the others are. Inside a value, marks rarely stand like that. */
  private isOnLines(at: number, key: CallTag): boolean {
    const isLine = this.text.slice(at, key.start).includes("\n");
    return isLine && (!this.linesAreFrame || this.text.charAt(key.end) === "\n");
  }

  /** Whether behind the end of a call, at `at`, the text ends or another call begins. */
  private callFollows(at: number, index: number): boolean {
    const tag = this.tags[index];
    const next = behindSpace(this.text, at);
    if (next >= this.text.length) return true;
    return tag?.kind === "call" && next >= tag.start && this.names.isTool(tag.name);
  }

  /** No mark ends the value for sure: the last one that may. */
  private lastEnd(): ValueEnd {
    for (let index = this.tags.length - 1; index >= this.index; index -= 1) {
      const tag = this.tags[index];
      if (tag?.kind === "valueEnd") return { ...closedBy(tag, index + 1, true), isClosed: false };
    }
    return { end: this.text.length, next: this.tags.length, isClosed: false, isOwn: false };
  }

  /** The line end behind the opening mark and the one before the closing mark belong to the frame. */
  private framed(start: number, { end, isOwn }: ValueEnd): string {
    const value = this.text.slice(start, end);
    const first = /^\r?\n/.exec(value)?.[0] ?? "";
    // Where the closing mark is missing, the line end behind it may be there all the same.
    const last = (this.linesAreFrame && !isOwn ? /(?:\r?\n){1,2}$/ : /\r?\n$/).exec(value)?.[0] ?? "";
    const isFramed = this.linesAreFrame || !isOwn || (first !== "" && last !== "");
    if (!isFramed) return value;
    return value.length <= first.length ? "" : value.slice(first.length, value.length - last.length);
  }
}

function closedBy(tag: CallTag, next: number, isOwn: boolean): ValueEnd {
  return { end: tag.start, next, isClosed: true, isOwn };
}
