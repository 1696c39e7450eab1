/** What the engine needs from outside. It imports no VS Code, no file system, no timers and no native code. */
import type { ResidentError } from "../common/errors";

export type BlockId = number;
export type TokenId = number;

/** Entry in the table of the window layers: no block, its tokens have left the window. */
export const noBlock: BlockId = -1;

/**
 * Window layers: layers whose tokens attend only to the last `tokens` tokens, themselves included. Their blocks are
 * numbered after all others.
 */
export interface WindowGeometry {
  readonly tokens: number;
  readonly totalBlocks: number;
}

/** The shape of a pool, as the runner states it. */
export interface PoolGeometry {
  readonly totalBlocks: number;
  readonly blockTokens: number;
  readonly maxContextTokens: number;
  readonly vocabSize: number;
  /** Absent: every block holds all layers. */
  readonly window?: WindowGeometry;
}

export interface SamplingParams {
  /** 0 = greedy. */
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  /** Random numbers depend on (seed, position) alone, so batching cannot change an answer. Integer in [0, 2^53). */
  readonly seed: number;
  readonly logitBias: ReadonlyMap<TokenId, number>;
  /** Number of most likely ids to report with each token; 0 = none. */
  readonly logprobs: number;
}

export const greedy: SamplingParams = {
  temperature: 0,
  topK: 0,
  topP: 1,
  minP: 0,
  repetitionPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 0,
  logitBias: new Map(),
  logprobs: 0,
};

/** Token counts of the answer so far, for the penalties; prompts never count. All empty when penalties are off. */
export interface PenaltyCounts {
  /** The last ids of the answer, in order, at most `repetitionWindowTokens`: for the repetition penalty. */
  readonly recentIds: Int32Array;
  /** The distinct ids of the answer and how often each was sampled: for presence and frequency penalties. */
  readonly ids: Int32Array;
  readonly counts: Int32Array;
}

/** The text of a grammar, in one of the forms that the device's compiler reads (`NativeModel.compileGrammar`). */
export interface GrammarText {
  readonly kind: "structuralTag" | "jsonSchema" | "ebnf";
  readonly text: string;
}

/** What answers may be: compiled by the device that is to obey it. Immutable, so any number of requests may share it. */
export interface Grammar {
  /** Size in memory, for the one that keeps grammars. */
  readonly bytes: number;
}

/** The grammar of a row's answer. */
export interface AnswerGrammar {
  readonly grammar: Grammar;
  /** The answer so far: where in the grammar it stands follows from these ids alone. */
  readonly answerIds: Int32Array;
}

const noIds = new Int32Array(0);

export const noPenalties: PenaltyCounts = { recentIds: noIds, ids: noIds, counts: noIds };

/** One sequence's part of a step. */
export interface SequenceStep {
  /** New token ids, ≥ 1. */
  readonly tokens: Int32Array;
  /** Position of the first of them. */
  readonly start: number;
  /** Block table in order; covers start + tokens.length + (steps − 1) positions. Guesses stay within these. */
  readonly table: readonly BlockId[];
  /** The same for the window layers, where they have blocks of their own; `noBlock` for blocks outside the window. */
  readonly windowTable?: readonly BlockId[];
  /** Sample after the last token. */
  readonly wantToken: boolean;
  readonly sampling: SamplingParams;
  /** Counts for the penalties; within a run the runner adds what it samples. */
  readonly penalties: PenaltyCounts;
  readonly stopIds: readonly TokenId[];
  /** The row samples only what this allows; a stop id only where the answer may end. Absent: anything. */
  readonly constraint?: AnswerGrammar;
  /** All ids of the sequence, from which the runner may guess (it verifies every guess); empty: it must not guess. */
  readonly lookupIds: Int32Array;
  /** Whose guesses are judged together. */
  readonly guesser?: string;
}

export interface RunnerToken {
  readonly sequence: number;
  readonly id: TokenId;
  readonly logprob?: number;
  readonly top?: readonly { readonly id: TokenId; readonly logprob: number }[];
}

export interface RunOptions {
  /**
   * Tokens that each sequence with `wantToken` samples in this run, ≥ 1: one per step, or more where guesses are right.
   * The runner may stop earlier when each of these sequences has sampled a stop id.
   */
  readonly steps: number;
  /** Called with the tokens of each step, in order, before `run` resolves. */
  readonly onTokens: (tokens: readonly RunnerToken[]) => void;
  /**
   * Sampling failed for this sequence alone (for example, no logit is finite): it gets no further token in this run;
   * all other sequences are unaffected.
   */
  readonly onFailed: (sequence: number, error: ResidentError) => void;
  /** So many of the tokens were right guesses: they took no step of their own. Told of a run of one sequence only. */
  readonly onGuessed?: (count: number) => void;
  /** Checked between steps only: a run that resolves has done its first step for every sequence. */
  readonly cancelled: () => boolean;
}

/**
 * The device. A rejected `run` or `copyBlock` states the condition of the pool in `facts.contents`. "intact": every
 * block holds what it held for the tokens that were computed before the call. "unknown": no block can be trusted. An
 * error without this fact is "intact" if its code is INVALID_REQUEST or ABORTED, which are thrown before anything runs.
 * `facts.sequence` is the index of the sequence that caused the error, where there is one.
 */
export interface ModelRunner {
  readonly geometry: PoolGeometry;
  run(sequences: readonly SequenceStep[], options: RunOptions): Promise<void>;
  copyBlock(from: BlockId, to: BlockId, tokens: number): Promise<void>;
  /** Absent: this device constrains no answer. Rejects with INVALID_REQUEST and the compiler's reason. */
  compileGrammar?(text: GrammarText): Promise<Grammar>;
}

/**
 * Content addresses of full blocks: key of a block = digest of (parent key, token ids). The root names model and
 * format.
 */
export interface BlockHasher {
  readonly root: string;
  next(parent: string, tokens: Int32Array): string;
}

export interface Clock {
  /** Monotonic milliseconds. */
  nowMs(): number;
}
