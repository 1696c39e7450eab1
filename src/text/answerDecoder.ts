import { Detokenizer, type TokenTexts } from "./detokenizer";
import { StopStrings } from "./stopStrings";
import type { SaidPiece, ThinkingSplitter } from "./thinkingSplitter";
import type { ToolCallParser } from "./tools/parser";
import { ShownParts } from "./tools/shownParts";

/**
 * Sampled ids to the shown text: whole characters, the thought apart from the answer, the calls apart from its text, the
 * answer ended before a stop string, without the name of the stop id.
 */
export class AnswerDecoder {
  private readonly detokenizer: Detokenizer;
  private readonly stops: StopStrings;
  private readonly shown: ShownParts;

  constructor(
    tokens: TokenTexts,
    private readonly stopIds: ReadonlySet<number>,
    stopStrings: readonly string[],
    private readonly splitter: ThinkingSplitter,
    /** Absent: the answer may make no calls. */
    private readonly calls?: ToolCallParser,
  ) {
    this.detokenizer = new Detokenizer(tokens);
    this.stops = new StopStrings(stopStrings);
    this.shown = new ShownParts(this.stops);
  }

  /** `stopped`: a stop string is complete; the answer is the text given so far. A thought has no stop strings. */
  push(id: number): SaidPiece & { readonly stopped: boolean } {
    const isStop = this.stopIds.has(id);
    const piece = this.splitter.push(id, isStop ? "" : this.detokenizer.push(id));
    if (this.calls === undefined) return { ...piece, ...this.stops.push(piece.text) };
    // A mark inside a thought is none. A token that ends the answer may end a call.
    const isAnswer = piece.text !== "" || isStop;
    return { ...piece, ...this.shown.push(isAnswer ? this.calls.push(id, piece.text).parts : []) };
  }

  /**
   * The text that was held back as a possible stop string or part of a character. `isCut`: the model had not ended, so a
   * call that has not ended is dropped. `mayGoOn`: the answer may be continued, so an incomplete character is left out
   * instead of being shown as U+FFFD. It is shown when its last byte comes.
   */
  finish(isCut = false, mayGoOn = isCut): SaidPiece {
    const piece = this.splitter.finish(mayGoOn ? "" : this.detokenizer.finish(), mayGoOn);
    if (this.calls !== undefined) {
      const parts = [...this.calls.push(undefined, piece.text).parts, ...this.calls.finish(isCut).parts];
      return { ...piece, ...this.shown.finish(parts) };
    }
    const { text, stopped } = this.stops.push(piece.text);
    return { ...piece, text: stopped ? text : text + this.stops.finish() };
  }
}
