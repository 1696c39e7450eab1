/** How the engine reaches the world. It has no VS Code, no file system, no timers and no native import. */

export type BlockId = number;
export type TokenId = number;

/** In the table of layers with a window: no block, its tokens have left the window. */
export const noBlock: BlockId = -1;

/** Layers whose rows see the last `tokens` tokens only, their own included. Their blocks are numbered after all others. */
export interface WindowGeometry {
  readonly tokens: number;
  readonly totalBlocks: number;
}

/** What a pool is made of; the runner says it, the engine keeps to it. */
export interface PoolGeometry {
  readonly totalBlocks: number;
  readonly blockTokens: number;
  readonly maxContextTokens: number;
  readonly vocabSize: number;
  /** Absent: every block is of all layers. */
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

/** One sequence's part of a step. */
export interface SequenceStep {
  /** New token ids, ≥ 1. */
  readonly tokens: Int32Array;
  /** Position of the first of them. */
  readonly start: number;
  /** Block table in order, covering start + tokens.length + (steps − 1) positions; guesses stay within them. */
  readonly table: readonly BlockId[];
  /** The same of the layers with a window, where they have blocks of their own; `noBlock` for what no row sees. */
  readonly windowTable?: readonly BlockId[];
  /** Sample after the last token. */
  readonly wantToken: boolean;
  readonly sampling: SamplingParams;
  /** Ids that penalties count; within a run what is sampled is added. */
  readonly penaltyIds: Int32Array;
  readonly stopIds: readonly TokenId[];
  /** All ids of the sequence, for the runner to guess from (it verifies every guess); empty: it must not. */
  readonly lookupIds: Int32Array;
}

export interface RunnerToken {
  readonly sequence: number;
  readonly id: TokenId;
  readonly logprob?: number;
  readonly top?: readonly { readonly id: TokenId; readonly logprob: number }[];
}

export interface RunOptions {
  /**
   * Tokens that each wanting sequence samples in this run, ≥ 1: one a step, or more where guesses prove right. The
   * runner may stop earlier when every wanting sequence has hit a stop id.
   */
  readonly steps: number;
  /** Tokens of each step, in order, before `run` resolves. */
  readonly onTokens: (tokens: readonly RunnerToken[]) => void;
  /** Looked at between steps only: a run that resolves has done its first step for every sequence. */
  readonly cancelled: () => boolean;
}

/**
 * The device. A rejected `run` or `copyBlock` leaves the pool's contents unknown unless the error's code is
 * INVALID_REQUEST or ABORTED: then nothing ran. INVALID_REQUEST may name the guilty one in `facts.sequence`.
 */
export interface ModelRunner {
  readonly geometry: PoolGeometry;
  run(sequences: readonly SequenceStep[], options: RunOptions): Promise<void>;
  copyBlock(from: BlockId, to: BlockId, tokens: number): Promise<void>;
}

/** Content addresses of full blocks: key of a block = digest of (parent key, token ids). The root names model and format. */
export interface BlockHasher {
  readonly root: string;
  next(parent: string, tokens: Int32Array): string;
}

export interface Clock {
  /** Monotonic milliseconds. */
  nowMs(): number;
}

/**
 * Asked when a request lacks `blocks` blocks that nothing running will give back: release idle caches (saving
 * them first, if they are not on disk) and answer with how many blocks were released. Requests wait meanwhile.
 */
export type MakeRoom = (blocks: number) => number | Promise<number>;
