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
  /** Whether what the cache holds is on disk, or need not be. */
  readonly isSaved: () => boolean;
  /** Puts it on disk. Whatever becomes of it, the cache may be dropped afterwards: a turn log has its tokens. */
  readonly save: () => Promise<void>;
  /** The engine has released the cache. */
  readonly onDropped: () => void;
}
