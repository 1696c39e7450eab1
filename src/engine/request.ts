import { InvalidRequestError, PoolExhaustedError, ResidentError } from "../common/errors";
import { isInSamplingRange, type SamplingParameter, samplingRanges } from "../common/samplingRanges";
import type { AgentBlocks } from "./agentBlocks";
import { blocksFor, slotsNeeded } from "./blockMath";
import type { BlockPool } from "./blockPool";
import type { Grammar, PoolGeometry, SamplingParams, TokenId } from "./ports";
import { type WindowNeeds, windowBlocksFor } from "./windowMath";

/** "low" is for read-aheads: they are admitted after all normal requests and get only the budget these leave. */
export type Priority = "normal" | "low";

export interface GenerationRequest {
  /** Owner of the blocks, for the pool's map. */
  readonly owner: string;
  /** The whole prompt, including the cached part; ≥ 1 token. The engine copies it. */
  readonly tokens: Int32Array;
  /**
   * A cache of a prefix of `tokens` (tokens that differ are dropped). The engine owns it once `submit` has returned,
   * and returns it, extended, as the result's `blocks`. The caller keeps it when `submit` throws.
   */
  readonly blocks?: AgentBlocks;
  readonly sampling: SamplingParams;
  /** Ids that end the answer; the sampled one is part of it. */
  readonly stopIds: readonly TokenId[];
  /** Number of ids at the end of `tokens` that are the beginning of the answer: penalties and the grammar count them. */
  readonly answeredTokens?: number;
  /** The answer is one that this allows, or the beginning of one; it needs a stop id to end with. */
  readonly grammar?: Grammar;
  /** 0 = read-ahead: the prompt is prefilled and nothing is sampled. */
  readonly maxTokens: number;
  readonly priority?: Priority;
  /** Idle caches of lower ranks are not dropped for it, while there is another way. Absent: any may be dropped. */
  readonly sparesRanksBelow?: number;
  /** false: the device must not guess. */
  readonly promptLookup?: boolean;
  /** Requests share cached blocks only with those of the same salt. */
  readonly salt?: string;
}

/** Throws a typed error for a request that could never run on this geometry. Changes nothing. */
export function assertCanEverRun(request: GenerationRequest, geometry: PoolGeometry, window?: WindowNeeds): void {
  const { tokens, maxTokens, stopIds } = request;
  if (tokens.length === 0) {
    throw new InvalidRequestError("the prompt is empty", "write a message", { promptTokens: 0 });
  }
  assertIds(tokens, geometry.vocabSize, "prompt");
  assertIds(stopIds, geometry.vocabSize, "list of stop tokens");
  if (!Number.isSafeInteger(maxTokens) || maxTokens < 0) {
    throw new InvalidRequestError(
      "the maximum number of tokens must be a whole number, 0 or more",
      "set it to a whole number",
      { maxTokens },
    );
  }
  assertSampling(request.sampling, geometry.vocabSize);
  if (request.grammar !== undefined && stopIds.length === 0) {
    throw new InvalidRequestError("an answer with a grammar has no token to end with", "name a stop token");
  }
  if (tokens.length + maxTokens > geometry.maxContextTokens) {
    throw contextFull(tokens.length, maxTokens, geometry.maxContextTokens);
  }
  const needed = blocksFor(slotsNeeded(tokens.length, maxTokens), geometry.blockTokens);
  if (needed > geometry.totalBlocks) throw new PoolExhaustedError(needed, geometry.totalBlocks, geometry.blockTokens);
  const { blockTokens } = geometry;
  if (window === undefined) return;
  const neededInWindow = Math.min(needed + 1, windowBlocksFor(window, blockTokens));
  if (neededInWindow > window.totalBlocks)
    throw new PoolExhaustedError(neededInWindow, window.totalBlocks, blockTokens);
}

function contextFull(promptTokens: number, maxTokens: number, maxContextTokens: number): ResidentError {
  return new ResidentError(
    "CONTEXT_FULL",
    `${promptTokens} tokens to read and ${maxTokens} to write do not fit the model's context of ${maxContextTokens}`,
    "rewind to an earlier turn, ask for a shorter answer, or start a new agent",
    { promptTokens, maxTokens, maxContextTokens },
  );
}

/** Throws for a cache that may not become a sequence: its contents are gone, in another pool, or under another salt. */
export function assertUsable(blocks: AgentBlocks, pool: BlockPool, salt: string | undefined): void {
  if (blocks.released) {
    throw new InvalidRequestError("this cache was released", "submit the tokens without a cache");
  }
  if (blocks.pool !== pool) {
    throw new InvalidRequestError(
      "this cache belongs to another engine's pool",
      "release it and submit the tokens without a cache",
    );
  }
  if (blocks.stale) {
    throw new InvalidRequestError(
      "the device failed after this cache was made, so its contents are unknown",
      "release it and submit the tokens without a cache",
      { numTokens: blocks.numTokens },
    );
  }
  if (blocks.salt !== salt) {
    throw new InvalidRequestError("this cache was made under another salt", "submit it with its own salt");
  }
}

function assertIds(ids: ArrayLike<TokenId>, vocabSize: number, where: string): void {
  for (let index = 0; index < ids.length; index += 1) {
    const id = ids[index];
    if (id === undefined || !Number.isInteger(id) || id < 0 || id >= vocabSize) {
      throw new InvalidRequestError(
        `the ${where} contains a token that the model does not have`,
        "encode it with this model's tokenizer",
        { id: id ?? "none", index, vocabSize },
      );
    }
  }
}

const parameters = [
  "temperature",
  "topK",
  "topP",
  "minP",
  "repetitionPenalty",
  "presencePenalty",
  "frequencyPenalty",
  "seed",
  "logprobs",
] as const;

function assertSampling(sampling: SamplingParams, vocabSize: number): void {
  for (const name of parameters) assertInRange(name, sampling[name]);
  assertIds([...sampling.logitBias.keys()], vocabSize, "logit bias");
  for (const value of sampling.logitBias.values()) assertInRange("logitBias", value);
}

function assertInRange(name: SamplingParameter, value: number): void {
  if (isInSamplingRange(name, value)) return;
  const { min, max, whole } = samplingRanges[name];
  const kind = whole ? "a whole number" : "a number";
  throw new InvalidRequestError(`${name} is out of its range`, `set it to ${kind} from ${min} to ${max}`, {
    name,
    value,
  });
}
