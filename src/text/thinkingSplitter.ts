import type { DroppedCall, ToolCall } from "../common/tools";
import type { ThinkingIds } from "./thinkingIds";

/** What one sampled id added. `hidden` and `text` of all ids together are everything that was said, in this order. */
export interface SaidPiece {
  /** Of the answer. */
  readonly text: string;
  /** Of what comes before the answer: the thought, its marks, and the white space around them. */
  readonly hidden: string;
  /** The part of `hidden` that the model thought. */
  readonly thought: string;
  /** What was said of the answer, calls as the model wrote them included; absent: the same as `text`. */
  readonly raw?: string;
  /** Calls that are complete now. */
  readonly calls?: readonly ToolCall[];
  readonly dropped?: DroppedCall;
}

const nothing: SaidPiece = { text: "", hidden: "", thought: "" };
const answered = (text: string): SaidPiece => ({ ...nothing, text });
const hidden = (text: string): SaidPiece => ({ ...nothing, hidden: text });
const thought = (text: string): SaidPiece => ({ ...nothing, hidden: text, thought: text });

const leadingSpace = /^\s*/;

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
        return this.inHeader(id, piece);
      case "thought":
        return this.inThought(id, piece);
      case "answer":
        return answered(piece);
    }
  }

  /**
   * `rest`: text that the last ids left incomplete. `isCut`: the answer may be continued, so white space of which it is
   * not known whether it belongs to a thought is left out. It is given when more is said.
   */
  finish(rest: string, isCut = false): SaidPiece {
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
      return hidden(said);
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

  private inThought(id: number, piece: string): SaidPiece {
    // A model may forget the end of a message and begin the next one.
    if (id === this.ids.messageEnd || this.ids.headers.has(id)) {
      this.header = "";
      this.state = "header";
      return hidden(piece);
    }
    if (!this.ids.closes.has(id)) return thought(piece);
    this.state = "gap";
    return hidden(piece);
  }
}
