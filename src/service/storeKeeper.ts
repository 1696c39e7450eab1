import { type ErrorInfo, toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { CacheRefusal, StoreStatus } from "../protocol/service";
import type { BlockStore } from "../store/blockStore";
import { objectsIn, type StoredObject, type StoreUsage, usageOf } from "../store/objectFiles";
import { enforceQuota, keptShare } from "../store/quota";

/** Other processes write to the store too: after this time nothing is known of it. */
const recountMs = 10 * 60_000;

/** A save that is under way in any process may count on what was used since. */
const inUseMs = 60_000;

export interface StoreKeeperPorts {
  readonly blocks: Pick<BlockStore, "root" | "made">;
  /** Asked each time: it may change with what is free on the disk. */
  readonly quotaBytes: number;
  /** Told what the files take, as often as they are counted. */
  readonly onCounted?: (bytes: number) => Promise<void>;
  /** Blocks that must stay on disk. */
  readonly neededKeys: () => ReadonlySet<string>;
  /** Removes what nobody refers to, unless somebody did so lately. */
  readonly collectIfDue: () => Promise<void>;
  readonly nowMs: () => number;
  readonly log: Log;
}

/** What was found, and what this process had made by then. */
interface Count {
  readonly usage: StoreUsage;
  readonly made: StoreUsage;
  readonly atMs: number;
  /** The quota of then. */
  readonly quotaBytes: number;
}

/**
 * Watches what the block store takes on disk and keeps it within its quota. Counting looks at every file, so it is done
 * seldom: in between, what this process makes is added to the last count.
 */
export class StoreKeeper {
  private count: Count | undefined;
  private removals = 0;
  private asked: Promise<Count> | undefined;
  private enforcing: Promise<void> = Promise.resolve();
  private refused = 0;
  private lastRefusal: string | undefined;
  private lastSaveError: ErrorInfo | undefined;
  private problem: ErrorInfo | undefined;

  constructor(private readonly ports: StoreKeeperPorts) {}

  /** Never rejects: why the files cannot be counted stands in `problem`. */
  async status(): Promise<StoreStatus> {
    const { blocks } = this.ports;
    const count = this.count ?? (await this.countOnce().catch((error: unknown) => this.note(error)));
    const usage = count === undefined ? { objects: 0, bytes: 0 } : this.usageSince(count);
    return {
      path: blocks.root,
      ...usage,
      quotaBytes: this.ports.quotaBytes,
      refused: this.refused,
      ...(this.lastRefusal === undefined ? {} : { lastRefusal: this.lastRefusal }),
      ...(this.lastSaveError === undefined ? {} : { lastSaveError: this.lastSaveError }),
      ...(this.problem === undefined ? {} : { problem: this.problem }),
    };
  }

  /** A save ended; new files may have made the store too large. */
  saved(error: ErrorInfo | undefined): void {
    this.lastSaveError = error;
    this.enforcing = this.enforcing.then(() => this.enforce());
  }

  /** What processes that ended have left is collected, if nobody did lately. */
  engineStarted(): void {
    this.enforcing = this.enforcing.then(async () => {
      await this.noting(this.ports.collectIfDue);
    });
  }

  /** Objects were removed: what is there is counted anew when asked for. */
  changed(): void {
    this.removals += 1;
    this.count = undefined;
    this.asked = undefined;
  }

  cacheRefused({ code, reason }: CacheRefusal): void {
    this.refused += 1;
    this.lastRefusal = `${code}: ${reason}`;
  }

  async close(): Promise<void> {
    await this.enforcing;
  }

  private async enforce(): Promise<void> {
    const { blocks, quotaBytes, neededKeys, collectIfDue, nowMs } = this.ports;
    const { count } = this;
    const isFresh = count !== undefined && nowMs() - count.atMs < recountMs;
    if (isFresh && this.usageSince(count).bytes <= this.allowedSince(count)) return;
    const wentWell = [
      await this.noting(collectIfDue),
      await this.noting(async () => {
        const needed = neededKeys();
        const unusedSinceMs = nowMs() - inUseMs;
        const isNeeded = ({ key, usedAtMs }: StoredObject) => needed.has(key) || usedAtMs > unusedSinceMs;
        await this.counting(() => enforceQuota(blocks.root, quotaBytes, isNeeded));
      }),
    ];
    if (wentWell.every(Boolean)) this.problem = undefined;
  }

  /** Whether it went well. */
  private async noting(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.note(error);
      return false;
    }
  }

  /** What went wrong is logged and shown until it goes well again. */
  private note(error: unknown): undefined {
    this.problem = toErrorInfo(error);
    this.ports.log.log("warn", `the store could not be looked after: ${this.problem.code}: ${this.problem.what}`);
  }

  /** Whoever asks while files are counted gets that count. */
  private countOnce(): Promise<Count> {
    if (this.asked !== undefined) return this.asked;
    const { root } = this.ports.blocks;
    const asked = this.counting(() => countObjects(root)).finally(() => {
      if (this.asked === asked) this.asked = undefined;
    });
    this.asked = asked;
    return asked;
  }

  /** What is made meanwhile may be counted twice, and is never left out. */
  private async counting(work: () => Promise<StoreUsage>): Promise<Count> {
    const { removals } = this;
    const { made } = this.ports.blocks;
    const { quotaBytes } = this.ports;
    const count = { usage: await work(), made, atMs: this.ports.nowMs(), quotaBytes };
    await this.ports.onCounted?.(count.usage.bytes);
    if (removals === this.removals) this.count = count;
    return count;
  }

  /**
   * Where what is needed is more than the quota, looking again at once would find nothing to remove; where the quota has
   * become smaller since, it does.
   */
  private allowedSince({ usage, quotaBytes: before }: Count): number {
    const { quotaBytes } = this.ports;
    if (usage.bytes <= quotaBytes || quotaBytes < before * keptShare) return quotaBytes;
    return usage.bytes + quotaBytes * (1 - keptShare);
  }

  private usageSince({ usage, made }: Count): StoreUsage {
    const now = this.ports.blocks.made;
    return {
      objects: usage.objects + now.objects - made.objects,
      bytes: usage.bytes + now.bytes - made.bytes,
    };
  }
}

/** Folder after folder: nobody waits for the whole store. */
async function countObjects(root: string): Promise<StoreUsage> {
  let total: StoreUsage = { objects: 0, bytes: 0 };
  for await (const objects of objectsIn(root)) {
    const { objects: number, bytes } = usageOf(objects);
    total = { objects: total.objects + number, bytes: total.bytes + bytes };
  }
  return total;
}
