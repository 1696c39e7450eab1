/** What agents need of the world besides the engine and the store. */
import type { BlockPoolBatchEngine } from "../engine/batchEngine";
import type { TokenId } from "../engine/ports";
import type { SamplingOptions } from "../protocol/service";
import type { BlockIdentity } from "../store/blockIdentity";
import type { BlockFiles } from "../store/ports";
import type { PromptBuilder } from "../text/prompt";

/** Turns sampled ids into text that can be shown. */
export interface AnswerDecoder {
  /** `text`: what may be shown now. `stopped`: a stop string is complete, the answer ends with the text given so far. */
  push(id: TokenId): { readonly text: string; readonly stopped: boolean };
  /** What was held back in case a stop string or a character went on. `isCut`: never a part of a character. */
  finish(isCut?: boolean): string;
}

export interface TextModel {
  readonly prompts: PromptBuilder;
  /** Ids that end an answer. */
  readonly stopIds: readonly TokenId[];
  startAnswer(stopStrings: readonly string[]): AnswerDecoder;
}

/** The loaded model with all that belongs to it. Ends with `unload`; what holds it then must have let go. */
export interface ModelSession {
  readonly directory: string;
  readonly name: string;
  readonly contextTokens: number;
  readonly identity: BlockIdentity;
  readonly engine: BlockPoolBatchEngine;
  readonly files: BlockFiles;
  readonly text: TextModel;
  /** The model's own sampling: of its `generation_config.json`, or known of its weights. */
  readonly sampling: SamplingOptions;
}

export interface ModelLease {
  readonly session: ModelSession;
  release(): void;
}

export interface ModelAccess {
  readonly current: ModelSession | undefined;
  /** The session of this model while it is in memory. Loads nothing and waits for nothing. */
  loaded(directory: string): ModelSession | undefined;
  /** Loads the model if need be; waits while another one works, saying so. */
  lease(directory: string, signal?: AbortSignal, onWaiting?: (reason: string) => void): Promise<ModelLease>;
  /** Whether a lease would make others wait or wait for them. */
  isFree(directory: string): boolean;
  /** What an agent's manifest says of the model, read from its folder without loading it. */
  describe(directory: string): Promise<{ readonly name: string; readonly contextTokens: number }>;
}
