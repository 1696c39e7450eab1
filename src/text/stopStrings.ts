/**
 * Finds stop strings in a text that comes in pieces. The stop string that is complete first ends the text where it
 * begins, however the text was cut into pieces. Only text that may still become a stop string is held back.
 */
export class StopStrings {
  private readonly stops: readonly string[];
  private held = "";
  private done = false;

  constructor(stops: readonly string[]) {
    this.stops = stops.filter((stop) => stop !== "");
  }

  push(piece: string): { readonly text: string; readonly stopped: boolean } {
    if (this.done) return { text: "", stopped: true };
    const text = this.held + piece;
    const start = this.firstStop(text);
    if (start !== undefined) {
      this.held = "";
      this.done = true;
      return { text: text.slice(0, start), stopped: true };
    }
    const free = text.length - this.possibleStart(text);
    this.held = text.slice(free);
    return { text: text.slice(0, free), stopped: false };
  }

  /** The text that was held back. No more text may come. */
  finish(): string {
    const { held } = this;
    this.held = "";
    this.done = true;
    return held;
  }

  /** The beginning of the stop string that ends first; of several that end there, of the longest. */
  private firstStop(text: string): number | undefined {
    let best: { readonly start: number; readonly end: number } | undefined;
    for (const stop of this.stops) {
      const start = text.indexOf(stop);
      if (start < 0) continue;
      const end = start + stop.length;
      if (best === undefined || end < best.end || (end === best.end && start < best.start)) best = { start, end };
    }
    return best?.start;
  }

  /** Length of the longest suffix of `text` that is a prefix of a stop string. */
  private possibleStart(text: string): number {
    let longest = 0;
    for (const stop of this.stops) {
      for (let length = Math.min(stop.length - 1, text.length); length > longest; length--) {
        if (text.endsWith(stop.slice(0, length))) longest = length;
      }
    }
    return longest;
  }
}
