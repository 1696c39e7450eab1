import { Detokenizer, type TokenTexts } from "./detokenizer";
import { StopStrings } from "./stopStrings";

/** Sampled ids to the shown text: whole characters, ended before a stop string, without the name of the stop id. */
export class AnswerDecoder {
  private readonly detokenizer: Detokenizer;
  private readonly stops: StopStrings;

  constructor(
    tokens: TokenTexts,
    private readonly stopIds: ReadonlySet<number>,
    stopStrings: readonly string[],
  ) {
    this.detokenizer = new Detokenizer(tokens);
    this.stops = new StopStrings(stopStrings);
  }

  /** `text`: what may be shown now. `stopped`: a stop string is complete; the answer is the text given so far. */
  push(id: number): { readonly text: string; readonly stopped: boolean } {
    return this.stops.push(this.stopIds.has(id) ? "" : this.detokenizer.push(id));
  }

  /**
   * The text that was held back as a possible stop string or part of a character. `isCut`: the answer may be continued,
   * so an incomplete character is left out instead of being shown as U+FFFD. It is shown when its last byte comes.
   */
  finish(isCut = false): string {
    const { text, stopped } = this.stops.push(isCut ? "" : this.detokenizer.finish());
    return stopped ? text : text + this.stops.finish();
  }
}
