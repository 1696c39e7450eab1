import { type ErrorInfo, toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { CacheRefusal, StoreStatus } from "../protocol/service";
import { enforceQuota, listObjects, removeLeftovers, type StoreUsage, usageOf } from "../store/quota";

const leftoverMs = 60 * 60_000;

/** Watches what the block store takes on disk and keeps it within its quota. */
export class StoreKeeper {
  private usage: StoreUsage | undefined;
  private enforcing: Promise<void> = Promise.resolve();
  /** What processes that died in the middle of a write have left is gone. */
  private swept = false;
  private refused = 0;
  private lastRefusal: string | undefined;
  private lastSaveError: ErrorInfo | undefined;

  /** `neededKeys`: blocks that must stay on disk. */
  constructor(
    private readonly root: string,
    private readonly quotaBytes: number,
    private readonly neededKeys: () => ReadonlySet<string>,
    private readonly log: Log,
  ) {}

  async status(): Promise<StoreStatus> {
    this.usage ??= usageOf(await listObjects(this.root));
    return {
      path: this.root,
      objects: this.usage.objects,
      bytes: this.usage.bytes,
      quotaBytes: this.quotaBytes,
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
    this.usage = undefined;
  }

  cacheRefused({ code, reason }: CacheRefusal): void {
    this.refused += 1;
    this.lastRefusal = `${code}: ${reason}`;
  }

  async close(): Promise<void> {
    await this.enforcing;
  }

  private async enforce(): Promise<void> {
    try {
      if (!this.swept) await removeLeftovers(this.root, leftoverMs, Date.now());
      this.swept = true;
      const needed = this.neededKeys();
      this.usage = await enforceQuota(this.root, this.quotaBytes, (key) => needed.has(key));
    } catch (error) {
      this.log.log("warn", `the store's quota could not be kept: ${toErrorInfo(error).what}`);
    }
  }
}
