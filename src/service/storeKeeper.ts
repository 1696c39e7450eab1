import { type ErrorInfo, toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { CacheRefusal, StoreStatus } from "../protocol/service";
import type { BlockStore } from "../store/blockStore";
import { objectsIn, type StoredObject, type StoreUsage, usageOf } from "../store/objectFiles";
import { enforceQuota, keptShare } from "../store/quota";

/** A count is discarded after this time, since other processes write to the store too. */
const recountMs = 10 * 60_000;

/** Objects used more recently stay: a save under way in any process may rely on them. */
const inUseMs = 60_000;

export interface StoreKeeperPorts {
  readonly blocks: Pick<BlockStore, "root" | "made">;
  /** Called each time: the quota may change with the free space of the disk. */
  readonly quotaBytes: number;
  /** Called with the size of the files after each count. */
  readonly onCounted?: (bytes: number) => Promise<void>;
  /** Blocks that must stay on disk. */
  readonly neededKeys: () => ReadonlySet<string>;
  /** Removes unreferenced objects, unless a process did so lately. */
  readonly collectIfDue: () => Promise<void>;
  readonly nowMs: () => number;
  readonly log: Log;
}

/** The counted usage, and what this process had written by then. */
interface Count {
  readonly usage: StoreUsage;
  readonly made: StoreUsage;
  readonly atMs: number;
  /** The quota at that time. */
  readonly quotaBytes: number;
}

/**
 * Watches the size of the block store on disk and keeps it within its quota. A count reads every file's size, so it is
 * done rarely: in between, the bytes that this process writes are added to the last count.
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

  /** Never rejects: `problem` says why the files cannot be counted. */
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

  /** Call after a save: new files may have made the store too large. */
  saved(error: ErrorInfo | undefined): void {
    this.lastSaveError = error;
    this.enforcing = this.enforcing.then(() => this.enforce());
  }

  /** Collects what ended processes have left, unless a process did so lately. */
  engineStarted(): void {
    this.enforcing = this.enforcing.then(async () => {
      await this.noting(this.ports.collectIfDue);
    });
  }

  /** Call after objects were removed: the next request counts again. */
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

  /** Returns whether it succeeded. */
  private async noting(work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
      return true;
    } catch (error) {
      this.note(error);
      return false;
    }
  }

  /** Logs a failure and keeps it for the status until the work succeeds again. */
  private note(error: unknown): undefined {
    this.problem = toErrorInfo(error);
    this.ports.log.log("warn", `the store could not be maintained: ${this.problem.code}: ${this.problem.what}`);
  }

  /** Callers that ask during a count get the result of that count. */
  private countOnce(): Promise<Count> {
    if (this.asked !== undefined) return this.asked;
    const { root } = this.ports.blocks;
    const asked = this.counting(() => countObjects(root)).finally(() => {
      if (this.asked === asked) this.asked = undefined;
    });
    this.asked = asked;
    return asked;
  }

  /** Objects written meanwhile may be counted twice, but are never omitted. */
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
   * When needed objects alone exceed the quota, another check at once would find nothing to remove, unless the quota
   * has become smaller since.
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

/** Counts one folder at a time, so that other work can run in between. */
async function countObjects(root: string): Promise<StoreUsage> {
  let total: StoreUsage = { objects: 0, bytes: 0 };
  for await (const objects of objectsIn(root)) {
    const { objects: number, bytes } = usageOf(objects);
    total = { objects: total.objects + number, bytes: total.bytes + bytes };
  }
  return total;
}
