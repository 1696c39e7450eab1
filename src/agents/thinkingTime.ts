import type { Clock, TokenId } from "../engine/ports";
import type { TurnFigures } from "../protocol/service";
import type { SaidPiece } from "../text/thinkingSplitter";

/** Counts the tokens that a model says before its answer, and measures the time from the first to the last of them. */
export class ThinkingTime {
  private tokens = 0;
  private firstMs: number | undefined;
  private lastMs = 0;
  private isThought = false;
  private isAnswer = false;

  constructor(private readonly clock: Clock) {}

  /** `undefined`: it did not think. */
  get measured(): TurnFigures["thinking"] {
    if (!this.isThought) return undefined;
    return { tokens: this.tokens, ms: this.lastMs - (this.firstMs ?? this.lastMs) };
  }

  add(id: TokenId | undefined, { text, thought }: SaidPiece): void {
    if (this.isAnswer || id === undefined) return;
    this.lastMs = this.clock.nowMs();
    this.firstMs ??= this.lastMs;
    this.isThought ||= thought.trim() !== "";
    // The token that begins the answer is not counted, but ends the time.
    this.isAnswer = text !== "";
    if (!this.isAnswer) this.tokens += 1;
  }
}
