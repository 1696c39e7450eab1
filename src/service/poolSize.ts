import { InvalidRequestError } from "../common/errors";
import type { EngineLimits } from "../engine/engineOptions";
import { windowBlocksFor } from "../engine/windowMath";
import { blocksInPool } from "../models/fit";
import type { NativeModelInfo } from "../native/binding";

export interface PoolSize {
  readonly blocks: number;
  /** Blocks of the window layers; 0: a block holds all layers. */
  readonly windowBlocks: number;
}

interface PoolOptions {
  readonly poolBytes: number;
  readonly blockTokens: number;
}

type ModelSizes = Pick<NativeModelInfo, "kvBytesPerToken" | "maxContextTokens" | "window">;
type WindowLimits = Pick<EngineLimits, "maxSequences" | "windowSlackTokens"> & { readonly stepTokens: number };

/**
 * As many blocks as the pool's size allows. If a context can be much longer than the window, the window layers get a
 * part of the pool: enough for every request that may run and as many idle caches, but at most half the pool.
 */
export function poolSizeFor(options: PoolOptions, info: ModelSizes, limits: WindowLimits): PoolSize {
  const { poolBytes, blockTokens } = options;
  const { kvBytesPerToken, maxContextTokens, window } = info;
  const undivided = { blocks: required(options, kvBytesPerToken), windowBlocks: 0 };
  if (window === undefined || 4 * window.tokens > maxContextTokens) return undivided;
  const { stepTokens, windowSlackTokens: slackTokens, maxSequences } = limits;
  const needed = windowBlocksFor({ tokens: window.tokens, slackTokens, stepTokens }, blockTokens);
  const atMost = blocksInPool(poolBytes / 2, blockTokens, window.kvBytesPerToken);
  // Separate blocks save nothing in a pool that is barely longer than the window.
  if (atMost < needed || undivided.blocks <= 2 * needed) return undivided;
  const windowBlocks = Math.min(atMost, 2 * maxSequences * needed);
  const windowBytes = windowBlocks * blockTokens * window.kvBytesPerToken;
  const rest = { poolBytes: poolBytes - windowBytes, blockTokens };
  return { blocks: required(rest, kvBytesPerToken - window.kvBytesPerToken), windowBlocks };
}

/** Throws when not even one block fits. */
function required({ poolBytes, blockTokens }: PoolOptions, kvBytesPerToken: number): number {
  const blocks = blocksInPool(poolBytes, blockTokens, kvBytesPerToken);
  if (blocks >= 1) return blocks;
  const neededBytes = blockTokens * kvBytesPerToken;
  throw new InvalidRequestError(
    `the block pool of ${poolBytes} bytes cannot hold one block of ${neededBytes} bytes`,
    "raise the block pool's size",
    { neededBytes, poolBytes },
  );
}
