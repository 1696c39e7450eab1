import { Detokenizer, type TokenTexts } from "./detokenizer";
import { StopStrings } from "./stopStrings";
import type { SaidPiece, ThinkingSplitter } from "./thinkingSplitter";

/**
 * Sampled ids to the shown text: whole characters, the thought apart from the answer, the answer ended before a stop
 * string, without the name of the stop id.
 */
export class AnswerDecoder {
  private readonly detokenizer: Detokenizer;
  private readonly stops: StopStrings;

  constructor(
    tokens: TokenTexts,
    private readonly stopIds: ReadonlySet<number>,
    stopStrings: readonly string[],
    private readonly splitter: ThinkingSplitter,
  ) {
    this.detokenizer = new Detokenizer(tokens);
    this.stops = new StopStrings(stopStrings);
  }

  /** `stopped`: a stop string is complete; the answer is the text given so far. A thought has no stop strings. */
  push(id: number): SaidPiece & { readonly stopped: boolean } {
    const piece = this.splitter.push(id, this.stopIds.has(id) ? "" : this.detokenizer.push(id));
    return { ...piece, ...this.stops.push(piece.text) };
  }

  /**
   * The text that was held back as a possible stop string or part of a character. `isCut`: the answer may be continued,
   * so an incomplete character is left out instead of being shown as U+FFFD. It is shown when its last byte comes.
   */
  finish(isCut = false): SaidPiece {
    const piece = this.splitter.finish(isCut ? "" : this.detokenizer.finish(), isCut);
    const { text, stopped } = this.stops.push(piece.text);
    return { ...piece, text: stopped ? text : text + this.stops.finish() };
  }
}
