import {
  DigitsPreTokenizer,
  type PreTokenizer,
  SequencePreTokenizer,
  SplitPreTokenizer,
} from "@huggingface/tokenizers";
import { patternReach, type Reach } from "./patternReach";

/** Cuts a text into pieces from the left, on demand. */
interface Level {
  /** The end of the piece that begins at `from`. `isMatch`: the piece is a match, not the text between matches. */
  next(text: string, from: number): { readonly end: number; readonly isMatch: boolean };
  /** See patternReach.ts. */
  readonly reach: Reach | undefined;
}

/** Cuts as the library's Split and Digits do: each match and each text between matches is a piece. */
class PatternLevel implements Level {
  readonly reach: Reach | undefined;

  constructor(private readonly pattern: RegExp) {
    this.reach = patternReach(pattern);
  }

  next(text: string, from: number): { readonly end: number; readonly isMatch: boolean } {
    const { pattern } = this;
    for (let start = from; start <= text.length; ) {
      pattern.lastIndex = start;
      const match = pattern.exec(text);
      if (match === null) break;
      if (match.index > from) return { end: match.index, isMatch: false };
      if (match[0] !== "") return { end: from + match[0].length, isMatch: true };
      start = from + ((text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1);
    }
    return { end: text.length, isMatch: false };
  }
}

/** Cuts between characters that no token joins: for texts that are one word to the tokenizer. */
export class JunctionLevel implements Level {
  readonly reach: Reach = { changes: 0, oneWordKind: false };

  constructor(private readonly joins: (left: number, right: number) => boolean) {}

  next(text: string, from: number): { readonly end: number; readonly isMatch: boolean } {
    let left = text.codePointAt(from) ?? 0;
    let at = from + (left > 0xffff ? 2 : 1);
    while (at < text.length) {
      const right = text.codePointAt(at) ?? 0;
      if (!this.joins(left, right)) break;
      left = right;
      at += right > 0xffff ? 2 : 1;
    }
    // The end of a piece does not depend on its beginning, so cutting can resume anywhere.
    return { end: at, isMatch: false };
  }
}

/** The part of a pre-tokenizer that only cuts, as levels, and the rest, which is applied to each piece. */
export function levelsOf(preTokenizer: PreTokenizer | null): {
  readonly levels: readonly Level[];
  readonly rest: readonly PreTokenizer[];
} {
  const parts = flat(preTokenizer);
  const levels: Level[] = [];
  for (const part of parts) {
    const level = levelOf(part);
    if (level === undefined) break;
    levels.push(level);
  }
  return { levels, rest: parts.slice(levels.length) };
}

function flat(preTokenizer: PreTokenizer | null): readonly PreTokenizer[] {
  if (preTokenizer === null) return [];
  return preTokenizer instanceof SequencePreTokenizer ? preTokenizer.tokenizers.flatMap(flat) : [preTokenizer];
}

function levelOf(part: PreTokenizer): Level | undefined {
  if (part instanceof SplitPreTokenizer && part.pattern !== null) {
    const { invert, behavior } = part.config;
    return invert || behavior?.toLowerCase() === "removed" ? undefined : new PatternLevel(part.pattern);
  }
  // The library also matches runs of non-digits. The pieces are the same.
  if (part instanceof DigitsPreTokenizer) return new PatternLevel(part.config.individual_digits ? /\d/gu : /\d+/gu);
  return undefined;
}

/** A text that a level cuts, from `base` of the whole, and its current piece. */
interface Cut {
  readonly text: string;
  readonly base: number;
  readonly end: number;
  readonly isMatch: boolean;
}

/** A position in a text that is cut by levels. Each level cuts the pieces of the level above. */
export class PieceCursor {
  /** The outermost level first. The current piece of the last level is the cursor's current piece. */
  private readonly cuts: Cut[] = [];

  constructor(
    private readonly text: string,
    private readonly levels: readonly Level[],
    private place = 0,
  ) {}

  /** Where the next piece begins. */
  get at(): number {
    return this.place;
  }

  get atEnd(): boolean {
    return this.place >= this.text.length;
  }

  /** Whether the rest of the text would be cut the same way by a cursor that began here. */
  get canBeTakenUp(): boolean {
    return this.cuts.every(({ end, isMatch }) => end === this.place || !isMatch);
  }

  next(): string {
    const { cuts, levels, place } = this;
    let last = cuts.pop();
    while (last !== undefined && last.base + last.text.length === place) last = cuts.pop();
    if (last !== undefined) this.cut(levels[cuts.length], last.text, last.base);
    while (cuts.length < levels.length) {
      const outer = cuts.at(-1);
      if (outer === undefined) this.cut(levels[0], this.text, 0);
      else this.cut(levels[cuts.length], outer.text.slice(place - outer.base, outer.end - outer.base), place);
    }
    this.place = cuts.at(-1)?.end ?? this.text.length;
    return this.text.slice(place, this.place);
  }

  private cut(level: Level | undefined, text: string, base: number): void {
    const { end, isMatch } = level?.next(text, this.place - base) ?? { end: text.length, isMatch: false };
    this.cuts.push({ text, base, end: base + end, isMatch });
  }
}
