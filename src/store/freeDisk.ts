/** How much of the disk the store may use: its quota, or less when the disk has too little room. */
import { statfs } from "node:fs/promises";
import path from "node:path";

/** Largest share of free space plus the store's own bytes that the store may use: other programs need the disk too. */
export const mostOfDisk = 0.5;

/** Lowest quota, even on a full disk: a smaller store would be useless. */
export const leastQuotaBytes = 256 * 2 ** 20;

export interface DiskRoom {
  /** `undefined`: the system does not say. */
  readonly freeBytes: number | undefined;
  readonly storeBytes: number;
}

/** Pure. The result does not depend on how much of its share the store has used, since its bytes are no longer free. */
export function effectiveQuota(quotaBytes: number, { freeBytes, storeBytes }: DiskRoom): number {
  if (freeBytes === undefined) return quotaBytes;
  const share = Math.floor(mostOfDisk * (freeBytes + storeBytes));
  return Math.min(quotaBytes, Math.max(leastQuotaBytes, share));
}

/** A store's quota as its disk allowed at the last check. */
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

  /** Reads the disk's free space again. `storeBytes`: current size of the store. */
  async refresh(storeBytes: number): Promise<void> {
    this.current = effectiveQuota(this.quotaBytes, { freeBytes: await this.freeBytes(this.folder), storeBytes });
  }
}

/** Bytes that this user may still write on the disk of `folder`, which may not exist yet. `undefined`: unknown. */
export async function freeDiskBytes(folder: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    const parent = path.dirname(folder);
    return parent === folder ? undefined : freeDiskBytes(parent);
  }
}
