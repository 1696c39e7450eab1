import type { ResidentError } from "../../../../src/common/errors";
import type { AgentBlocks } from "../../../../src/engine/agentBlocks";
import type { BlockPoolBatchEngine } from "../../../../src/engine/batchEngine";
import type { Grammar, TokenId } from "../../../../src/engine/ports";
import type { GenerationRequest } from "../../../../src/engine/request";
import type { Restore } from "../../../../src/engine/restore";

import type { Fault } from "./actions";

/** An answer computed without the engine. */
export interface TrueAnswer {
  readonly tokenIds: readonly TokenId[];
  /** Present if the request asks for them and the device reports them. */
  readonly logprobs?: readonly number[];
}

/** The arguments of `Restore.commit`. */
export interface Filled {
  readonly numTokens: number;
  readonly window: boolean;
}

/** The base of a world: an engine over some device, and that device's answers without the engine. */
export interface WorldDevice {
  readonly engine: BlockPoolBatchEngine;
  readonly vocabSize: number;
  /** Whether a row's bits are independent of the other rows: otherwise answers are not compared. */
  readonly exact: boolean;
  /** For requests that ask for one. */
  readonly grammar?: Grammar;
  /** Called at intervals while the device computes. */
  duringRun: () => Promise<void>;
  /** Does one step with every check; returns whether it made progress. */
  step(): Promise<boolean>;
  trueAnswer(request: GenerationRequest): Promise<TrueAnswer>;
  /** Whether the cache's blocks hold exactly what computing its tokens leaves. */
  holds(cache: AgentBlocks): Promise<boolean>;
  /** Saves the cache's blocks so that `fill` finds them. */
  save(cache: AgentBlocks): Promise<void>;
  /** Fills the targets that start before token `good`, and the window's, until one is not found. */
  fill(restore: Restore, tokens: Int32Array, good: number): Promise<Filled>;
  /** Plans a fault and its error, if this device can. */
  plan(fault: Fault, error: ResidentError): void;
  /** Removes all planned faults. */
  planNothing(): void;
}
