import { Detokenizer, type TokenTexts } from "./detokenizer";
import { StopStrings } from "./stopStrings";

/** Sampled ids to the text that a person sees: whole characters, ended before a stop string, without the stop id's name. */
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
   * What was held back in case a stop string or a character went on. `isCut`: the answer may be continued, so the first
   * bytes of a character are not shown as U+FFFD; the whole character comes with its last byte.
   */
  finish(isCut = false): string {
    const { text, stopped } = this.stops.push(isCut ? "" : this.detokenizer.finish());
    return stopped ? text : text + this.stops.finish();
  }
}
