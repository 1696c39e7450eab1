import { type ErrorInfo, toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { CacheRefusal, StoreStatus } from "../protocol/service";
import type { BlockStore } from "../store/blockStore";
import { enforceQuota, keptShare, listObjects, removeLeftovers, type StoreUsage, usageOf } from "../store/quota";

const leftoverMs = 60 * 60_000;

/** Other processes write to the store too: after this time nothing is known of it. */
const recountMs = 10 * 60_000;

export interface StoreKeeperPorts {
  readonly blocks: Pick<BlockStore, "root" | "made">;
  /** Asked each time: it may change with what is free on the disk. */
  readonly quotaBytes: number;
  /** Told what the files take, as often as they are counted. */
  readonly onCounted?: (bytes: number) => Promise<void>;
  /** Blocks that must stay on disk. */
  readonly neededKeys: () => ReadonlySet<string>;
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
  /** What processes that died in the middle of a write have left is gone. */
  private swept = false;
  private refused = 0;
  private lastRefusal: string | undefined;
  private lastSaveError: ErrorInfo | undefined;

  constructor(private readonly ports: StoreKeeperPorts) {}

  async status(): Promise<StoreStatus> {
    const { blocks } = this.ports;
    const count = this.count ?? (await this.countOnce());
    return {
      path: blocks.root,
      ...this.usageSince(count),
      quotaBytes: this.ports.quotaBytes,
      refused: this.refused,
      ...(this.lastRefusal === undefined ? {} : { lastRefusal: this.lastRefusal }),
      ...(this.lastSaveError === undefined ? {} : { lastSaveError: this.lastSaveError }),
    };
  }

  /** A save ended; new files may have made the store too large. */
  saved(error: ErrorInfo | undefined): void {
    this.lastSaveError = error;
    this.enforcing = this.enforcing.then(() => this.enforce());
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
    const { blocks, quotaBytes, neededKeys, nowMs, log } = this.ports;
    const { count } = this;
    const isFresh = count !== undefined && nowMs() - count.atMs < recountMs;
    if (isFresh && this.usageSince(count).bytes <= this.allowedSince(count)) return;
    try {
      if (!this.swept) await removeLeftovers(blocks.root, leftoverMs, nowMs());
      this.swept = true;
      const needed = neededKeys();
      await this.counting(() => enforceQuota(blocks.root, quotaBytes, (key) => needed.has(key)));
    } catch (error) {
      log.log("warn", `the store's quota could not be kept: ${toErrorInfo(error).what}`);
    }
  }

  /** Whoever asks while files are counted gets that count. */
  private countOnce(): Promise<Count> {
    if (this.asked !== undefined) return this.asked;
    const { root } = this.ports.blocks;
    const asked = this.counting(async () => usageOf(await listObjects(root))).finally(() => {
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
