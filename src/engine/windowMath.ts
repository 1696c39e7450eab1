import type { BlockPool } from "./blockPool";
import type { WindowGeometry } from "./ports";

/** What decides how many blocks of the layers with a window a sequence keeps. */
export interface WindowNeeds extends WindowGeometry {
  /** What one run computes of a sequence at most. */
  readonly stepTokens: number;
  /** Tokens that may be taken back without losing the window that an earlier one needs: a stop in the text comes late. */
  readonly slackTokens: number;
}

/** The layers with a window: their blocks, and how many of them a sequence needs. */
export interface WindowBlocks {
  readonly pool: BlockPool;
  readonly geometry: WindowNeeds;
}

/** Index of the first block that a token at `position` sees. */
export function firstBlockSeen(position: number, window: Pick<WindowNeeds, "tokens">, blockTokens: number): number {
  return Math.floor(Math.max(0, position - window.tokens + 1) / blockTokens);
}

/** Index of the first block that a cache of `numTokens` tokens keeps: its last token can be run again, and some before. */
export function firstBlockKept(numTokens: number, window: WindowNeeds, blockTokens: number): number {
  return firstBlockSeen(Math.max(0, numTokens - 1 - window.slackTokens), window, blockTokens);
}

/** Blocks that a sequence holds at most, a copy of a shared one included. */
export function windowBlocksFor(window: Omit<WindowNeeds, "totalBlocks">, blockTokens: number): number {
  return Math.ceil((window.tokens + window.slackTokens + window.stepTokens) / blockTokens) + 2;
}
