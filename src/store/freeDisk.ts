/** How much of the disk the store may take: its quota, or less where the disk is smaller or fuller than that. */
import { statfs } from "node:fs/promises";
import path from "node:path";

/** Of what is free and what the store has already: other programs need the disk too. */
export const mostOfDisk = 0.5;

/** As much may stay on a full disk: fewer caches would be of no use. */
export const leastQuotaBytes = 256 * 2 ** 20;

export interface DiskRoom {
  /** `undefined`: the system does not say. */
  readonly freeBytes: number | undefined;
  readonly storeBytes: number;
}

/** Pure. Does not depend on how much of its share the store has taken: what it writes is no longer free. */
export function effectiveQuota(quotaBytes: number, { freeBytes, storeBytes }: DiskRoom): number {
  if (freeBytes === undefined) return quotaBytes;
  const share = Math.floor(mostOfDisk * (freeBytes + storeBytes));
  return Math.min(quotaBytes, Math.max(leastQuotaBytes, share));
}

/** A store's quota, as its disk allows at the last look. */
export class DiskQuota {
  private current: number;

  constructor(
    private readonly folder: string,
    private readonly quotaBytes: number,
    private readonly freeBytes: (folder: string) => Promise<number | undefined> = freeDiskBytes,
  ) {
    this.current = quotaBytes;
  }

  get bytes(): number {
    return this.current;
  }

  /** The store has `storeBytes` at the moment. */
  async look(storeBytes: number): Promise<void> {
    this.current = effectiveQuota(this.quotaBytes, { freeBytes: await this.freeBytes(this.folder), storeBytes });
  }
}

/** Bytes that this user may still write where `folder` is, or will be. `undefined` where the system does not say. */
export async function freeDiskBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    const parent = path.dirname(folder);
    return parent === folder ? undefined : freeDiskBytes(parent);
  }
}
