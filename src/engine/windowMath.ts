import type { BlockPool } from "./blockPool";
import type { WindowGeometry } from "./ports";

/** Decides how many blocks of the window layers a sequence keeps. */
export interface WindowNeeds extends WindowGeometry {
  /** Most tokens of a sequence that one run computes. */
  readonly stepTokens: number;
  /** Tokens at the end that may be removed without losing the window before them: a stop string is found late. */
  readonly slackTokens: number;
}

/** The window layers: their blocks, and how many of them a sequence needs. */
export interface WindowBlocks {
  readonly pool: BlockPool;
  readonly geometry: WindowNeeds;
}

/** Index of the first block that a token at `position` attends to. */
export function firstBlockSeen(position: number, window: Pick<WindowNeeds, "tokens">, blockTokens: number): number {
  return Math.floor(Math.max(0, position - window.tokens + 1) / blockTokens);
}

/**
 * Index of the first block that a cache of `numTokens` tokens keeps: enough to rerun its last token and `slackTokens`
 * more.
 */
export function firstBlockKept(numTokens: number, window: WindowNeeds, blockTokens: number): number {
  return firstBlockSeen(Math.max(0, numTokens - 1 - window.slackTokens), window, blockTokens);
}

/** Most blocks that a sequence holds, including a copy of a shared one. */
export function windowBlocksFor(window: Omit<WindowNeeds, "totalBlocks">, blockTokens: number): number {
  return Math.ceil((window.tokens + window.slackTokens + window.stepTokens) / blockTokens) + 2;
}
