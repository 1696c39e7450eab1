import type { ToolCall } from "../common/tools";
import type { ThinkingIds } from "./thinkingIds";
import type { DroppedCall } from "./tools/parsed";

/**
 * What one sampled id added. `hidden` and `raw` of all ids together are everything that was said, in this order, up to
 * where a stop string begins.
 */
export interface SaidPiece {
  /** Of the answer: what is shown. */
  readonly text: string;
  /** Of the answer: what was said, its calls included. Absent: `text`. */
  readonly raw?: string;
  /** The calls that ended here. */
  readonly calls?: readonly ToolCall[];
  /** A call that is none. */
  readonly dropped?: DroppedCall;
  /** Of what comes before the answer: the thought, its marks, and the white space around them. */
  readonly hidden: string;
  /** The part of `hidden` that the model thought. */
  readonly thought: string;
}

const nothing: SaidPiece = { text: "", hidden: "", thought: "" };
const answered = (text: string): SaidPiece => ({ ...nothing, text });
const hidden = (text: string): SaidPiece => ({ ...nothing, hidden: text });
const thought = (text: string): SaidPiece => ({ ...nothing, hidden: text, thought: text });

const leadingSpace = /^\s*/;
const mayBeRecipient = /^\s{0,8}(?:t|to|to=[^\s<]{0,128}\s?)$/;

/**
 * Splits what a model says into its thought and its answer, by the ids of the marks: a text that only looks like a mark
 * is none. The thought comes first; a mark inside the answer belongs to the answer.
 */
export class ThinkingSplitter {
  /** "header": the name of a channel is being said; "gap": the white space between thought and answer. */
  private state: "start" | "header" | "thought" | "gap" | "answer" = "start";
  /** White space at the start, before it is known what it belongs to. */
  private held = "";
  private header = "";

  constructor(
    private readonly ids: ThinkingIds,
    startsInThought: boolean,
    /** Whether a message of harmony with this header is a call, which belongs to the answer. Absent: none is. */
    private readonly isCall?: (header: string) => boolean,
  ) {
    if (startsInThought) this.state = "thought";
  }

  /** `piece`: the text that `id` completed. */
  push(id: number, piece: string): SaidPiece {
    switch (this.state) {
      case "start":
      case "gap":
        return this.beforeAnswer(id, piece);
      case "header":
        return this.isCall === undefined ? this.inHeader(id, piece) : this.inHeldHeader(id, piece, this.isCall);
      case "thought":
        return this.inThought(id, piece);
      case "answer":
        return answered(piece);
    }
  }

  /**
   * `rest`: text that the last ids left incomplete. `isCut`: the answer may be continued, so white space of which it is
   * not known whether it belongs to a thought is left out, and so is a header that is held back. They are given when
   * more is said.
   */
  finish(rest: string, isCut = false): SaidPiece {
    if (this.state === "header" && this.isCall !== undefined) {
      const said = isCut ? "" : this.header + rest;
      this.header = "";
      return this.isCall(said) ? answered(said) : hidden(said);
    }
    const held = (isCut ? "" : this.held) + rest;
    this.held = "";
    if (this.state === "start" || this.state === "answer") return answered(held);
    return this.state === "thought" ? thought(held) : hidden(held);
  }

  private beforeAnswer(id: number, piece: string): SaidPiece {
    const { opens, named, headers } = this.ids;
    const said = this.held + piece;
    if (opens.has(id) || headers.has(id)) {
      this.held = "";
      this.header = "";
      this.state = named.has(id) || headers.has(id) ? "header" : "thought";
      if (this.isCall === undefined || !headers.has(id)) return hidden(said);
      this.header = said.trimStart();
      return hidden(said.slice(0, said.length - this.header.length));
    }
    // The prompt of harmony ends with the role; the recipient of a call may stand between it and the channel.
    if (this.isCall !== undefined && this.state === "start" && mayBeRecipient.test(said)) {
      this.held = said;
      return nothing;
    }
    const space = leadingSpace.exec(said)?.[0] ?? "";
    if (space.length === said.length) {
      if (this.state === "gap") return hidden(said);
      this.held = said;
      return nothing;
    }
    this.held = "";
    const isFirst = this.state === "start";
    this.state = "answer";
    return isFirst ? answered(said) : { ...hidden(space), text: said.slice(space.length) };
  }

  private inHeader(id: number, piece: string): SaidPiece {
    const { closes, message } = this.ids;
    if (closes.has(id)) {
      this.state = "gap";
      return hidden(piece);
    }
    if (id === message) {
      this.state = /\bfinal\b/.test(this.header) ? "gap" : "thought";
      return hidden(piece);
    }
    this.header += piece;
    // Harmony ends its headers with a token of their own, others with the line.
    const end = message === undefined ? piece.indexOf("\n") : -1;
    if (end < 0) return hidden(piece);
    this.state = "thought";
    return { ...hidden(piece), thought: piece.slice(end + 1) };
  }

  /** The header is held back until it is known what it belongs to. */
  private inHeldHeader(id: number, piece: string, isCall: (header: string) => boolean): SaidPiece {
    const said = this.header + piece;
    if (id !== this.ids.message && !this.ids.closes.has(id)) {
      this.header = said;
      return nothing;
    }
    this.header = "";
    if (id === this.ids.message && isCall(said)) {
      this.state = "answer";
      return answered(said);
    }
    this.state = id !== this.ids.message || /\bfinal\b/.test(said) ? "gap" : "thought";
    return hidden(said);
  }

  private inThought(id: number, piece: string): SaidPiece {
    // A model may forget the end of a message and begin the next one.
    if (id === this.ids.messageEnd || this.ids.headers.has(id)) {
      const isHeld = this.isCall !== undefined && id !== this.ids.messageEnd;
      this.header = isHeld ? piece : "";
      this.state = "header";
      return isHeld ? nothing : hidden(piece);
    }
    if (!this.ids.closes.has(id)) return thought(piece);
    this.state = "gap";
    return hidden(piece);
  }
}
