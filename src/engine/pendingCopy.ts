import type { BlockId } from "./ports";

/** A copy-on-write that the runner still has to make. */
export interface PendingCopy {
  readonly from: BlockId;
  readonly to: BlockId;
  /** Slots to copy, starting at the block's first. */
  readonly tokens: number;
}
