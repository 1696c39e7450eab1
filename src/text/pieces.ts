import { type PreTokenizer, SequencePreTokenizer, SplitPreTokenizer } from "@huggingface/tokenizers";
import { patternReach, type Reach } from "./patternReach";

/** A piece of a text. */
interface Piece {
  readonly end: number;
  /** A cursor that began inside of the piece might cut it. */
  readonly isMatch: boolean;
  /** The piece is left out. */
  readonly isDropped: boolean;
}

/** Cuts a text into pieces from the left, on demand. */
interface Level {
  /** The piece that begins at `from`. */
  next(text: string, from: number): Piece;
  /** See patternReach.ts. */
  readonly reach: Reach | undefined;
}

/** What becomes of the delimiters: the pattern's matches, or what is between them. */
type Behavior = SplitPreTokenizer["config"]["behavior"];

/** Cuts as a Split does. */
class PatternLevel implements Level {
  readonly reach: Reach | undefined;

  constructor(
    private readonly pattern: RegExp,
    private readonly behavior: Behavior,
    private readonly invert: boolean,
  ) {
    this.reach = behavior === "MergedWithNext" || behavior === "Contiguous" ? undefined : patternReach(pattern);
  }

  next(text: string, from: number): Piece {
    const first = this.simplePiece(text, from);
    const isDelimiter = first.isMatch !== this.invert;
    switch (this.behavior) {
      case "Removed":
        return { end: first.end, isMatch: first.isMatch, isDropped: isDelimiter };
      case "MergedWithPrevious":
        return isDelimiter ? first : this.merged(text, first, true);
      case "MergedWithNext":
        return isDelimiter ? this.merged(text, first, false) : first;
      case "Contiguous":
        return this.run(text, first, isDelimiter);
      default:
        return first;
    }
  }

  /** `first` with the piece after it, if that is a delimiter or is none. */
  private merged(text: string, first: Piece, withDelimiter: boolean): Piece {
    if (first.end >= text.length) return first;
    const { end, isMatch } = this.simplePiece(text, first.end);
    return (isMatch !== this.invert) === withDelimiter ? { end, isMatch: true, isDropped: false } : first;
  }

  /** Pieces from `first` on that are all delimiters or all none. */
  private run(text: string, first: Piece, areDelimiters: boolean): Piece {
    let { end } = first;
    while (end < text.length) {
      const next = this.simplePiece(text, end);
      if ((next.isMatch !== this.invert) !== areDelimiters) break;
      end = next.end;
    }
    return { end, isMatch: true, isDropped: false };
  }

  /** A match, or the text before the next match. */
  private simplePiece(text: string, from: number): Piece {
    const { pattern } = this;
    for (let start = from; start <= text.length; ) {
      pattern.lastIndex = start;
      const match = pattern.exec(text);
      if (match === null) break;
      if (match.index > from) return { end: match.index, isMatch: false, isDropped: false };
      if (match[0] !== "") return { end: from + match[0].length, isMatch: true, isDropped: false };
      start = from + ((text.codePointAt(from) ?? 0) > 0xffff ? 2 : 1);
    }
    return { end: text.length, isMatch: false, isDropped: false };
  }
}

/** Cuts between characters that no token joins: for texts that are one word to the tokenizer. */
export class JunctionLevel implements Level {
  readonly reach: Reach = { changes: 0, oneWordKind: false };

  constructor(private readonly joins: (left: number, right: number) => boolean) {}

  next(text: string, from: number): Piece {
    let left = text.codePointAt(from) ?? 0;
    let at = from + (left > 0xffff ? 2 : 1);
    while (at < text.length) {
      const right = text.codePointAt(at) ?? 0;
      if (!this.joins(left, right)) break;
      left = right;
      at += right > 0xffff ? 2 : 1;
    }
    // The end of a piece does not depend on its beginning, so cutting can resume anywhere.
    return { end: at, isMatch: false, isDropped: false };
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
  if (!(part instanceof SplitPreTokenizer) || part.pattern === null) return undefined;
  return new PatternLevel(part.pattern, part.config.behavior, part.config.invert === true);
}

/** A text that a level cuts, from `base` of the whole, and its current piece. */
interface Cut extends Piece {
  readonly text: string;
  readonly base: number;
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

  /** Empty where a piece is left out. */
  next(): string {
    const { cuts, levels, place } = this;
    let last = cuts.pop();
    while (last !== undefined && last.base + last.text.length === place) last = cuts.pop();
    if (last !== undefined) this.cut(levels[cuts.length], last.text, last.base);
    while (cuts.length < levels.length && cuts.at(-1)?.isDropped !== true) {
      const outer = cuts.at(-1);
      if (outer === undefined) this.cut(levels[0], this.text, 0);
      else this.cut(levels[cuts.length], outer.text.slice(place - outer.base, outer.end - outer.base), place);
    }
    this.place = cuts.at(-1)?.end ?? this.text.length;
    return cuts.at(-1)?.isDropped === true ? "" : this.text.slice(place, this.place);
  }

  private cut(level: Level | undefined, text: string, base: number): void {
    const piece = level?.next(text, this.place - base);
    const end = base + (piece?.end ?? text.length);
    // Copied member by member, which is much faster than a spread.
    this.cuts.push({
      text,
      base,
      end,
      isMatch: piece?.isMatch === true,
      isDropped: piece?.isDropped === true,
    });
  }
}
