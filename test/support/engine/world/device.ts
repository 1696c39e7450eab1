import type { ResidentError } from "../../../../src/common/errors";
import type { AgentBlocks } from "../../../../src/engine/agentBlocks";
import type { BlockPoolBatchEngine } from "../../../../src/engine/batchEngine";
import type { TokenId } from "../../../../src/engine/ports";
import type { GenerationRequest } from "../../../../src/engine/request";
import type { Restore } from "../../../../src/engine/restore";

import type { Fault } from "./actions";

/** An answer computed without the engine. */
export interface TrueAnswer {
  readonly tokenIds: readonly TokenId[];
  /** Where the request asks for them and the device tells them. */
  readonly logprobs?: readonly number[];
}

/** What `Restore.commit` wants to know. */
export interface Filled {
  readonly numTokens: number;
  readonly window: boolean;
}

/** What lies under a world: an engine over some device, and what that device would answer without the engine. */
export interface WorldDevice {
  readonly engine: BlockPoolBatchEngine;
  readonly vocabSize: number;
  /** Whether a row's bits do not depend on its company here: else answers are not compared. */
  readonly exact: boolean;
  /** Called now and then while the device is at work. */
  duringRun: () => Promise<void>;
  /** One step with every check; whether anything moved. */
  step(): Promise<boolean>;
  trueAnswer(request: GenerationRequest): Promise<TrueAnswer>;
  /** Whether the cache's blocks hold exactly what computing its tokens leaves. */
  holds(cache: AgentBlocks): Promise<boolean>;
  /** Writes the cache's blocks to where `fill` finds them. */
  save(cache: AgentBlocks): Promise<void>;
  /** Fills the targets that start before token `good`, and the window's, as far as they are found. */
  fill(restore: Restore, tokens: Int32Array, good: number): Promise<Filled>;
  /** Plans a fault, with the error that it throws, where that can be planned. */
  plan(fault: Fault, error: ResidentError): void;
  /** From now on nothing fails. */
  planNothing(): void;
}
