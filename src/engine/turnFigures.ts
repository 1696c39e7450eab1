import type { GenerationFigures } from "./generation";
import type { Clock } from "./ports";

/** Keeps one request's counts and times. Milliseconds of the engine's clock. */
export class TurnFigures {
  reusedTokens = 0;
  prefilledTokens = 0;
  /** Tokens computed a second time, after another request took the blocks. */
  recomputedTokens = 0;
  /** Of the answer: right guesses from the prompt. */
  guessedTokens = 0;
  private readonly submittedMs: number;
  private admittedMs: number | undefined;
  private firstTokenMs: number | undefined;
  private lastTokenMs: number | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly promptTokens: number,
  ) {
    this.submittedMs = clock.nowMs();
  }

  admitted(reusedTokens: number): void {
    this.reusedTokens = reusedTokens;
    this.admittedMs = this.clock.nowMs();
  }

  /** Restarts after a pre-emption with `computedTokens` computed tokens, of which `reusedTokens` were still found. */
  readmitted(computedTokens: number, reusedTokens: number): void {
    this.recomputedTokens += Math.max(0, computedTokens - reusedTokens);
  }

  /** Returns the milliseconds since the token before; for the first token, since submit. */
  sampled(): { readonly first: boolean; readonly ms: number } {
    const nowMs = this.clock.nowMs();
    const first = this.firstTokenMs === undefined;
    const ms = nowMs - (this.lastTokenMs ?? this.submittedMs);
    this.firstTokenMs ??= nowMs;
    this.lastTokenMs = nowMs;
    return { first, ms };
  }

  figures(generatedTokens: number): GenerationFigures {
    const { firstTokenMs, lastTokenMs, submittedMs } = this;
    const decodeMs = (lastTokenMs ?? 0) - (firstTokenMs ?? 0);
    return {
      promptTokens: this.promptTokens,
      reusedTokens: this.reusedTokens,
      prefilledTokens: this.prefilledTokens,
      recomputedTokens: this.recomputedTokens,
      generatedTokens,
      // Guesses behind the end of the answer are no part of it, and the first token of a run is none.
      guessedTokens: Math.min(this.guessedTokens, Math.max(0, generatedTokens - 1)),
      queuedMs: (this.admittedMs ?? this.clock.nowMs()) - submittedMs,
      ttftMs: firstTokenMs === undefined ? 0 : firstTokenMs - submittedMs,
      decodeTokensPerSecond: decodeMs > 0 && generatedTokens > 1 ? ((generatedTokens - 1) * 1000) / decodeMs : 0,
    };
  }
}
