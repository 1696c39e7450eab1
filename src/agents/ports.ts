/** What agents need of the world in addition to the engine and the store. */
import type { ToolMode, ToolSpec } from "../common/tools";
import type { BlockPoolBatchEngine } from "../engine/batchEngine";
import type { Grammar, GrammarText, TokenId } from "../engine/ports";
import type { SamplingOptions } from "../protocol/service";
import type { BlockIdentity } from "../store/blockIdentity";
import type { BlockFiles } from "../store/ports";
import type { PromptBuilder } from "../text/prompt";
import type { SaidPiece } from "../text/thinkingSplitter";
import type { Constraint } from "../text/tools/constraint";
import type { AskedConstraint } from "../text/tools/modelConstraint";

/** Turns sampled ids into text that can be shown. */
export interface AnswerDecoder {
  /**
   * `text`: what may be shown now. `stopped`: a stop string is complete, the answer ends with the text given so far.
   */
  push(id: TokenId): SaidPiece & { readonly stopped: boolean };
  /**
   * The text that was held back as a possible stop string or part of a character. `isCut`: the model had not ended, so a
   * call that has not ended is dropped. `mayGoOn` (absent: as `isCut`): without an incomplete character.
   */
  finish(isCut?: boolean, mayGoOn?: boolean): SaidPiece;
}

/** The tools that an answer may call. */
export interface AnswerTools {
  readonly tools: readonly ToolSpec[];
  /** "none": what looks like a call is text. */
  readonly mode: ToolMode;
}

export interface TextModel {
  readonly prompts: PromptBuilder;
  /** Ids that end an answer. */
  readonly stopIds: readonly TokenId[];
  /** Ids of the marks that open a call; none where calls have no mark that is one token. */
  readonly callOpenerIds: readonly TokenId[];
  /** `prompt`: the ids before the answer. `tools`: those that it may call; calls of others are text. */
  startAnswer(stopStrings: readonly string[], prompt?: Int32Array, tools?: AnswerTools): AnswerDecoder;
  /**
   * What the answer behind `prompt` may be. `undefined`: anything. Throws INVALID_REQUEST where tools are offered to a model
   * that takes none, and for requests that contradict themselves.
   */
  constraint(asked: AskedConstraint, prompt: Int32Array): Constraint | undefined;
}

/** The loaded model with all that belongs to it. Valid until `unload`; nobody may use it afterwards. */
export interface ModelSession {
  readonly directory: string;
  readonly name: string;
  readonly contextTokens: number;
  readonly identity: BlockIdentity;
  readonly engine: BlockPoolBatchEngine;
  readonly files: BlockFiles;
  readonly text: TextModel;
  /** What an answer may be, for the engine's requests. Absent: the device constrains no answer. */
  readonly compileGrammar?: (text: GrammarText) => Promise<Grammar>;
  /** The model's own sampling, from its `generation_config.json` or known for its weights. */
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
  /** Loads the model if need be. Waits while another model works, and calls `onWaiting` then. */
  lease(directory: string, signal?: AbortSignal, onWaiting?: (reason: string) => void): Promise<ModelLease>;
  /** Whether a lease would neither wait for others nor make them wait. */
  isFree(directory: string): boolean;
  /** What a manifest keeps about the model, read from its folder. Does not load the model. */
  describe(directory: string): Promise<{ readonly name: string; readonly contextTokens: number }>;
  /** Renders and encodes prompts for the model. Reads its text files, not its weights. */
  prompts(directory: string): Promise<PromptBuilder>;
}
