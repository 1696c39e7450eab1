import type { StopStrings } from "../stopStrings";
import type { SaidPiece } from "../thinkingSplitter";
import type { ParsedPart } from "./parsed";

type Said = Pick<SaidPiece, "text" | "raw" | "calls" | "dropped"> & { readonly stopped: boolean };

/**
 * Ends an answer with calls at its stop strings. They are looked for in the shown text only; what was said around it
 * comes with the text before it. An answer that is stopped makes no call behind that place.
 */
export class ShownParts {
  /** What waits because the text before it may become a stop string. */
  private waiting: ParsedPart[] = [];

  constructor(private readonly stops: StopStrings) {}

  push(parts: readonly ParsedPart[]): Said {
    let text = "";
    let stopped = false;
    for (const part of parts) {
      if (stopped) break;
      this.waiting.push(part);
      if (part.text === "") continue;
      const released = this.stops.push(part.text);
      text += released.text;
      stopped = released.stopped;
    }
    return { ...this.release(text, stopped), stopped };
  }

  finish(parts: readonly ParsedPart[]): Omit<Said, "stopped"> {
    const { stopped, ...said } = this.push(parts);
    if (stopped) return said;
    const rest = this.release(this.stops.finish(), false);
    const raw = (said.raw ?? said.text) + (rest.raw ?? rest.text);
    const calls = [...(said.calls ?? []), ...(rest.calls ?? [])];
    return piece(said.text + rest.text, raw, calls, said.dropped ?? rest.dropped);
  }

  /** Everything up to the end of `text`, the next of the shown text. */
  private release(text: string, isLast: boolean): Omit<Said, "stopped"> {
    let left = text.length;
    let count = 0;
    let raw = "";
    for (const part of this.waiting) {
      if (part.text.length > left || (isLast && left === 0)) break;
      left -= part.text.length;
      raw += part.raw;
      count += 1;
    }
    const released = this.waiting.slice(0, count);
    this.waiting = this.waiting.slice(count);
    const [next, ...later] = this.waiting;
    if (next !== undefined && left > 0) {
      const isPlain = next.raw === next.text;
      if (isPlain) raw += next.text.slice(0, left);
      this.waiting = [
        { ...next, text: next.text.slice(left), ...(isPlain ? { raw: next.raw.slice(left) } : {}) },
        ...later,
      ];
    }
    const calls = released.flatMap((part) => part.calls);
    return piece(text, raw, calls, released.find(({ dropped }) => dropped !== undefined)?.dropped);
  }
}

function piece(
  text: string,
  raw: string,
  calls: SaidPiece["calls"] & object,
  dropped: SaidPiece["dropped"],
): Omit<Said, "stopped"> {
  return {
    text,
    ...(raw === text ? {} : { raw }),
    ...(calls.length === 0 ? {} : { calls }),
    ...(dropped === undefined ? {} : { dropped }),
  };
}
