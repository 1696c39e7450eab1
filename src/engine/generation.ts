import type { Disposable } from "../common/disposables";
import type { AgentBlocks } from "./agentBlocks";
import type { RunnerToken, TokenId } from "./ports";

export type FinishReason = "stop" | "length" | "aborted";

/** Counts are tokens; promptTokens = reusedTokens + prefilledTokens once the prompt is prefilled. */
export interface GenerationFigures {
  readonly promptTokens: number;
  /** Prompt tokens that were in the pool and were not prefilled again. */
  readonly reusedTokens: number;
  /** Prompt tokens that this request prefilled. */
  readonly prefilledTokens: number;
  /** Tokens of prompt and answer that were computed a second time because an older request took the blocks. */
  readonly recomputedTokens: number;
  readonly generatedTokens: number;
  /** Of them: guessed from the text before, and right. They took no step of their own. */
  readonly guessedTokens: number;
  /** From submit to admission. */
  readonly queuedMs: number;
  /** From submit to the first token; 0 before there is one. */
  readonly ttftMs: number;
  /** (n − 1) / (last − first); 0 when n < 2. */
  readonly decodeTokensPerSecond: number;
}

export interface GenerationResult {
  readonly finishReason: FinishReason;
  /** Every sampled id, including a stop id; after `stop(n)` the first n. */
  readonly tokenIds: readonly TokenId[];
  readonly figures: GenerationFigures;
  /**
   * The cache of all computed tokens: a prefix of prompt + answer, usually without the answer's last token, which was
   * sampled but never fed back. The receiver owns it and must release it.
   */
  readonly blocks: AgentBlocks;
}

/** In this order: queued? → prefill* → token* → done; `queued` again after a pre-emption. */
export type GenerationEvent =
  /** The request fits the pool but not now; `requestsAhead` requests wait before it. */
  | { readonly type: "queued"; readonly neededBlocks: number; readonly requestsAhead: number }
  /**
   * `done` of the `total` tokens that were not cached are prefilled; `reused` tokens were cached. First with done = 0.
   */
  | { readonly type: "prefill"; readonly done: number; readonly total: number; readonly reused: number }
  /** `index` counts the answer's tokens from 0. */
  | {
      readonly type: "token";
      readonly index: number;
      readonly id: TokenId;
      readonly logprob?: number;
      readonly top?: NonNullable<RunnerToken["top"]>;
    }
  | { readonly type: "done"; readonly result: GenerationResult };

/** One answer that is being generated. */
export interface Generation extends AsyncIterable<GenerationEvent> {
  /** Rejects with a ResidentError when the request failed after it was accepted. Callers may leave it unobserved. */
  readonly result: Promise<GenerationResult>;
  /**
   * Calls `listener` with every event from the first: past events at once, later ones inside the step that causes them.
   */
  onEvent(listener: (event: GenerationEvent) => void): Disposable;
  /** The figures so far. */
  figures(): GenerationFigures;
  /** Ends it before the next step as "aborted"; the result's blocks keep what was computed. */
  abort(): void;
  /**
   * Ends it as "stop" with the first `keepTokens` of its tokens: for stop strings, which only the text shows. When a
   * listener calls it, no further token event follows. Without effect once the generation has ended.
   */
  stop(keepTokens: number): void;
}
