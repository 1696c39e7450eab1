import type { Disposable } from "../common/disposables";
import type { AgentBlocks } from "./agentBlocks";
import type { RunnerToken, TokenId } from "./ports";

export type FinishReason = "stop" | "length" | "aborted";

/** Counts are tokens; promptTokens = reusedTokens + prefilledTokens once the prompt is read. */
export interface GenerationFigures {
  readonly promptTokens: number;
  /** Of the prompt, not read again: they were in the pool. */
  readonly reusedTokens: number;
  /** Of the prompt, read by this request. */
  readonly prefilledTokens: number;
  /** Of prompt and answer, read a second time because its blocks were needed by an older request. */
  readonly recomputedTokens: number;
  readonly generatedTokens: number;
  /** From submit to admission. */
  readonly queuedMs: number;
  /** From submit to the first token; 0 before there is one. */
  readonly ttftMs: number;
  /** (n − 1) / (last − first); 0 when n < 2. */
  readonly decodeTokensPerSecond: number;
}

export interface GenerationResult {
  readonly finishReason: FinishReason;
  /** Every sampled id, a stop id included; after `stop(n)` the first n. */
  readonly tokenIds: readonly TokenId[];
  readonly figures: GenerationFigures;
  /**
   * The cache of everything computed: a prefix of prompt + answer, mostly without the answer's last token, which was
   * sampled and never fed back. The receiver owns it and releases it.
   */
  readonly blocks: AgentBlocks;
}

/** In this order: queued? → prefill* → token* → done; `queued` again where it is pre-empted. */
export type GenerationEvent =
  /** It fits the pool but not now; `requestsAhead` wait before it. */
  | { readonly type: "queued"; readonly neededBlocks: number; readonly requestsAhead: number }
  /** `done` of `total` tokens that were not cached are read; `reused` need no reading. First with done = 0. */
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

/** One answer in the making. */
export interface Generation extends AsyncIterable<GenerationEvent> {
  /** Rejects with a ResidentError when the request failed after it was accepted. Need not be observed. */
  readonly result: Promise<GenerationResult>;
  /** Hears every event from the first, past ones at once, later ones inside the step that makes them. */
  onEvent(listener: (event: GenerationEvent) => void): Disposable;
  /** The figures so far. */
  figures(): GenerationFigures;
  /** Ends it before the next step as "aborted"; what was computed is kept in the result's blocks. */
  abort(): void;
  /**
   * Ends it as "stop" with the first `keepTokens` of its tokens: for stops that only the text shows. Called from a
   * listener it takes effect before another token is heard. Without effect once the generation has ended.
   */
  stop(keepTokens: number): void;
}
