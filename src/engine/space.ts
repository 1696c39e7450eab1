import type { IdleCache, IdleTerms } from "./idleCache";
import type { LiveTables } from "./liveTables";
import type { BlockId } from "./ports";
import type { Requests } from "./requests";

/**
 * Result of a search for blocks: available now, perhaps available after a change, or too few in all idle caches
 * together.
 */
export type Found = "available" | "soon" | "none";

type RankedCache = readonly [IdleCache, IdleTerms];

/** A restore for an answer that waits for blocks. It is not in the queue of requests. */
interface Waiter {
  readonly blocks: number;
  readonly arrival: number;
  /** `served`: it may begin; otherwise it was aborted. */
  readonly end: (served: boolean) => void;
}

/**
 * The one place that finds blocks for requests and restores, and drops idle caches for that. It remembers no earlier
 * searches: callers that got no blocks search again when `LiveTables.onChange` reports a change.
 */
export class Space {
  private readonly waiters: Waiter[] = [];

  constructor(
    private readonly tables: LiveTables,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Arrival number of the restore that has waited longest. */
  get firstArrival(): number | undefined {
    return this.waiters[0]?.arrival;
  }

  /** Caches are in use that will be idle or released soon. */
  get anyInUse(): boolean {
    return this.tables.inUse.size > 0;
  }

  /**
   * Makes `missing` more blocks available. Drops idle caches, the lowest rank first; starts a save of an unsaved cache
   * before it drops it. Drops nothing when all idle caches together are not enough: then it asks read-ahead restores to
   * end. Caches of ranks below `sparedBelow` stay.
   */
  find(missing: number, sparedBelow = Number.NEGATIVE_INFINITY): Found {
    const { pool } = this.tables;
    const wanted = pool.availableBlocks + missing;
    const idle = this.idleByRank().filter(([, terms]) => terms.rank() >= sparedBelow);
    const reclaimable = this.reclaimable(idle);
    if (reclaimable.size < missing) return this.requestEndOfRestores();
    for (const [blocks, terms] of idle) {
      if (pool.availableBlocks >= wanted) break;
      // `onDropped` of one cache may have released another.
      if (!this.tables.idle.has(blocks) || !blocks.table.some((block) => reclaimable.has(block))) continue;
      const saving = terms.save();
      if (saving !== undefined) {
        void saving.catch(this.onError).then(() => this.tables.changed());
        return "soon";
      }
      blocks.release();
      this.guard(terms.onDropped);
    }
    return "available";
  }

  /** Frees as many of `missing` blocks as idle caches have. */
  findSome(missing: number): void {
    const reclaimable = this.reclaimable([...this.tables.idle]).size;
    if (missing > 0 && reclaimable > 0) this.find(Math.min(missing, reclaimable));
  }

  /**
   * Calls `begin` as soon as `serve` finds `blocks` blocks, or when waiting for more is useless, and resolves with its
   * result. Nobody can take the blocks in between. Resolves with `undefined` when the signal aborts first.
   */
  wait<T>(blocks: number, arrival: number, begin: () => T, signal: AbortSignal | undefined): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      const end = (served: boolean) => {
        try {
          resolve(served ? begin() : undefined);
        } catch (error) {
          reject(error);
        }
      };
      const waiter = { blocks, arrival, end };
      this.waiters.push(waiter);
      signal?.addEventListener("abort", () => this.end(waiter, false), { once: true });
    });
  }

  /** Serves waiting restores in order of arrival, after requests that came earlier. Returns whether any was served. */
  serve(requests: Requests): boolean {
    const { head } = requests.queue;
    const next = head?.priority === "normal" ? head.arrival : Number.POSITIVE_INFINITY;
    let served = false;
    for (let waiter = this.waiters[0]; waiter !== undefined && waiter.arrival < next; waiter = this.waiters[0]) {
      const missing = waiter.blocks + requests.headroomFor("normal") - this.tables.pool.availableBlocks;
      const found = missing > 0 ? this.find(missing) : "available";
      if (found === "soon" || (found === "none" && (requests.running.length > 0 || this.anyInUse))) break;
      this.end(waiter, true);
      served = true;
    }
    return served;
  }

  private end(waiter: Waiter, served: boolean): void {
    const index = this.waiters.indexOf(waiter);
    if (index < 0) return;
    this.waiters.splice(index, 1);
    waiter.end(served);
    this.tables.changed();
  }

  /** Asks restores of low priority to end: their blocks become free or idle when they do. */
  private requestEndOfRestores(): Found {
    for (const restore of this.tables.restores) restore.requestEnd();
    return this.tables.restores.size > 0 ? "soon" : "none";
  }

  private idleByRank(): readonly RankedCache[] {
    const ranked = [...this.tables.idle].map((cache) => ({ cache, rank: cache[1].rank() }));
    return ranked.sort((a, b) => a.rank - b.rank).map(({ cache }) => cache);
  }

  /** Blocks that only these caches hold. */
  private reclaimable(idle: readonly RankedCache[]): ReadonlySet<BlockId> {
    const { pool } = this.tables;
    const holders = new Map<BlockId, number>();
    for (const [{ table }] of idle) for (const block of table) holders.set(block, (holders.get(block) ?? 0) + 1);
    return new Set([...holders].filter(([block, count]) => pool.refCount(block) === count).map(([block]) => block));
  }

  private guard(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      this.onError(error);
    }
  }
}
