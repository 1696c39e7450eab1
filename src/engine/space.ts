import type { IdleCache, IdleTerms } from "./idleCache";
import type { LiveTables } from "./liveTables";
import type { BlockId } from "./ports";
import type { Requests } from "./requests";

/** What came of looking for blocks: they are available; they may be after a change; all idle caches together have too few. */
export type Found = "available" | "soon" | "none";

type RankedCache = readonly [IdleCache, IdleTerms];

/** Somebody outside of the queue who waits for blocks: the restore that an answer needs. */
interface Waiter {
  readonly blocks: number;
  readonly arrival: number;
  /** `served`: its turn has come; otherwise it was given up. */
  readonly end: (served: boolean) => void;
}

/**
 * The one place that finds blocks for requests and restores, and where idle caches leave the pool. It keeps no memory of
 * earlier questions: those that got no blocks ask again when `LiveTables.onChange` says that something became free or
 * idle, or ended.
 */
export class Space {
  private readonly waiters: Waiter[] = [];

  constructor(
    private readonly tables: LiveTables,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** Arrival number of who has waited longest here. */
  get firstArrival(): number | undefined {
    return this.waiters[0]?.arrival;
  }

  /**
   * Sees to it that `missing` more blocks are available. Saved idle caches are dropped, the lowest rank first; an unsaved
   * one is saved before. Nothing is dropped where all of them would not be enough: then restores of read aheads give way.
   */
  find(missing: number): Found {
    const { pool } = this.tables;
    const wanted = pool.availableBlocks + missing;
    const idle = this.idleByRank();
    const reclaimable = this.reclaimable(idle);
    if (reclaimable.size < missing) return this.askRestores();
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

  /** As many of `missing` blocks as idle caches have. */
  findSome(missing: number): void {
    const reclaimable = this.reclaimable([...this.tables.idle]).size;
    if (missing > 0 && reclaimable > 0) this.find(Math.min(missing, reclaimable));
  }

  /**
   * Calls `begin` when `serve` finds `blocks` blocks, or when waiting for more is of no use, before anybody else can take
   * them, and resolves with its result; with `undefined` when the signal aborts first.
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

  /** Serves those that wait, in the order of arrival and behind requests that came before. Says whether any was served. */
  serve(requests: Requests): boolean {
    const { head } = requests.queue;
    const next = head?.priority === "normal" ? head.arrival : Number.POSITIVE_INFINITY;
    let served = false;
    for (let waiter = this.waiters[0]; waiter !== undefined && waiter.arrival < next; waiter = this.waiters[0]) {
      const missing = waiter.blocks + requests.headroomFor("normal") - this.tables.pool.availableBlocks;
      const found = missing > 0 ? this.find(missing) : "available";
      if (found === "soon" || (found === "none" && requests.running.length + this.tables.inUse.size > 0)) break;
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

  /** What a restore holds comes back, or becomes idle, when it ends. */
  private askRestores(): Found {
    for (const restore of this.tables.restores) restore.giveWay();
    return this.tables.restores.size > 0 ? "soon" : "none";
  }

  private idleByRank(): readonly RankedCache[] {
    const ranked = [...this.tables.idle].map((cache) => ({ cache, rank: cache[1].rank() }));
    return ranked.sort((a, b) => a.rank - b.rank).map(({ cache }) => cache);
  }

  /** Blocks that nobody but these caches holds. */
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
