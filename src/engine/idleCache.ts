import type { BlockId } from "./ports";

/** A cache that somebody owns and nobody uses. */
export interface IdleCache {
  /** Block ids in order. */
  readonly table: readonly BlockId[];
  release(): void;
}

/** What the engine needs to know of a cache that nobody uses at the moment, to drop it when its blocks are needed. */
export interface IdleTerms {
  /** Caches of a lower rank leave first. Read when blocks are needed. */
  readonly rank: () => number;
  /**
   * `undefined`: the cache may be dropped now. Else it is being put on disk; when that is over, well or not, it may be
   * dropped: a turn log has its tokens. Called again while it lasts.
   */
  readonly save: () => Promise<void> | undefined;
  /** The engine has released the cache. */
  readonly onDropped: () => void;
}
