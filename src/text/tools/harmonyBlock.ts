import type { BlockEnd, ClosedBlock } from "./block";
import type { DeclaredTools } from "./declaredTools";
import type { HarmonyFormat } from "./formats";
import { harmonyHeader, isHeaderTooLong } from "./harmonyMessages";
import { MarkLexer } from "./markLexer";
import { readCalls } from "./readCalls";
import { TextBuffer } from "./textBuffer";

/** A message of harmony, from its first mark on. Its header decides whether it is a call, a thought or text. */
export class HarmonyBlock {
  private readonly buffer = new TextBuffer();
  private readonly lexer: MarkLexer;
  private kind: "header" | "call" | "thought" = "header";
  private channel: string | undefined;

  constructor(
    private readonly format: HarmonyFormat,
    private readonly tools: DeclaredTools,
  ) {
    const { start, channel, constrain, message, end, close } = format;
    this.lexer = new MarkLexer([start, channel, constrain.trim(), message, end, close]);
  }

  push(text: string): ClosedBlock | undefined {
    const parts = this.lexer.push(text);
    for (const [index, part] of parts.entries()) {
      const ended = index % 2 === 1 ? this.mark(part) : this.text(part);
      if (ended !== undefined) return behind(ended, parts.slice(index + 1).join("") + this.lexer.rest());
    }
    return undefined;
  }

  /** A mark that begins a message. Where it ends this one, it is not in what is left. */
  pushOpen(mark: string): ClosedBlock | undefined {
    const ended = this.text(this.lexer.rest());
    if (ended !== undefined) return ended;
    return this.kind === "header" ? this.mark(mark) : this.end("", false);
  }

  /** Another mark; of a token that ends the answer, nothing is said. */
  pushClose(mark: string, isSaid: boolean): ClosedBlock | undefined {
    return this.text(this.lexer.rest()) ?? this.mark(mark, isSaid);
  }

  finish(isCut: boolean): BlockEnd {
    const ended = this.text(this.lexer.rest());
    if (ended !== undefined) return ended;
    const said = this.buffer.text();
    if (this.kind === "thought") return { kind: "hidden", said, rest: "" };
    const read = readCalls(said, this.format, this.tools, isCut ? "cut" : "repair");
    if (read?.isWhole === true || (read !== undefined && !isCut)) return { kind: "calls", read, said, rest: "" };
    if (this.kind === "header") return { kind: "hidden", said, rest: "" };
    return isCut ? { kind: "cut", said } : this.malformed("");
  }

  private text(text: string): ClosedBlock | undefined {
    this.buffer.add(text);
    return this.kind === "header" && text !== "" ? this.readHeader() : undefined;
  }

  private mark(mark: string, isSaid = true): ClosedBlock | undefined {
    const { start, channel, end, close, message } = this.format;
    const ends = mark === end || mark === close;
    if (this.kind === "header") {
      if (ends) return this.end(isSaid ? mark : "", mark === close);
      this.buffer.add(mark);
      return mark === message ? this.readHeader() : undefined;
    }
    if (ends) return this.end(isSaid ? mark : "", mark === close);
    // A new message, though this one has not ended.
    if (mark === start || mark === channel) return behind(this.end("", false), mark);
    this.buffer.add(mark);
    return undefined;
  }

  private readHeader(): ClosedBlock | undefined {
    const said = this.buffer.text();
    const header = harmonyHeader(said, this.format);
    if (header === undefined) return isHeaderTooLong(said) ? this.malformed("") : undefined;
    this.channel = header.channel;
    if (header.recipient === undefined && header.channel !== "analysis") {
      return { kind: "hidden", said: said.slice(0, header.end), rest: said.slice(header.end) };
    }
    this.kind = header.recipient === undefined ? "thought" : "call";
    return undefined;
  }

  /** `isCall`: the mark says that the message is a call. */
  private end(mark: string, isCall: boolean): ClosedBlock {
    const said = this.buffer.text();
    const isThought = this.kind === "thought" || (this.channel === "analysis" && !isCall);
    if (isThought) return { kind: "hidden", said: said + mark, rest: "" };
    const read =
      readCalls(said, this.format, this.tools, "strict") ?? readCalls(said, this.format, this.tools, "repair");
    return read === undefined ? this.malformed(mark) : { kind: "calls", read, said: said + mark, rest: "" };
  }

  private malformed(mark: string): ClosedBlock {
    const said = this.buffer.text();
    const inside = said.slice(harmonyHeader(said, this.format)?.end ?? 0);
    return { kind: "malformed", inside, said: said + mark, rest: "" };
  }
}

function behind(ended: ClosedBlock, rest: string): ClosedBlock {
  return { ...ended, rest: ended.rest + rest };
}
