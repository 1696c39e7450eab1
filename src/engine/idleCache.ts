import type { BlockId } from "./ports";

/** A cache that has an owner but is not in use. */
export interface IdleCache {
  /** Block ids in order. */
  readonly table: readonly BlockId[];
  release(): void;
}

/** What the engine must know about an idle cache to drop it when it needs the blocks. */
export interface IdleTerms {
  /** Caches of a lower rank are dropped first. Read when blocks are needed. */
  readonly rank: () => number;
  /**
   * `undefined`: the cache may be dropped now. A promise: the cache is being saved; when the promise settles, also with
   * an error, it may be dropped, since the turn log has its tokens. May be called again while a save runs.
   */
  readonly save: () => Promise<void> | undefined;
  /** The engine has released the cache. */
  readonly onDropped: () => void;
}
