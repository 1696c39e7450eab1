import { closeSync, fstatSync, openSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { ResidentError } from "../../../src/common/errors";
import type { BlockIdentity } from "../../../src/store/blockIdentity";
import { durableFiles } from "../../../src/store/files";
import type { Durability, DurableFiles, FileLock, FileLocks } from "../../../src/store/ports";

/**
 * Locks of one machine; every `process()` is another holder. As in the system, a lock belongs to the file, not its
 * name.
 */
export class FakeLocks {
  private readonly held = new Set<string>();
  /** Number of attempts to take a lock. */
  tries = 0;

  process(): FileLocks {
    return {
      tryLock: (file): FileLock | undefined => {
        this.tries += 1;
        const descriptor = openSync(file, "a+", 0o600);
        const { dev, ino } = fstatSync(descriptor);
        closeSync(descriptor);
        const key = `${dev} ${ino}`;
        if (this.held.has(key)) return undefined;
        this.held.add(key);
        let released = false;
        return {
          release: () => {
            if (!released) this.held.delete(key);
            released = true;
          },
        };
      },
    };
  }
}

/** Real files on a disk that is full while `full` is set. */
export class FlakyFiles implements DurableFiles {
  full = false;
  /** Awaited before anything is written. */
  beforeWrite: () => Promise<void> = async () => {};
  private readonly underWay = new Set<Promise<void>>();

  /** Resolves when nothing is being written, and those who waited for it have gone on. */
  async settled(): Promise<void> {
    do {
      await Promise.allSettled(this.underWay);
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.underWay.size > 0);
  }

  async writeAt(file: string, position: number, bytes: Uint8Array, sync?: boolean): Promise<void> {
    await this.track(file, () => durableFiles.writeAt(file, position, bytes, sync));
  }

  async replace(file: string, bytes: Uint8Array, durability?: Durability, after?: Promise<void>): Promise<void> {
    await this.track(file, () => durableFiles.replace(file, bytes, durability, after));
  }

  private async track(file: string, write: () => Promise<void>): Promise<void> {
    this.check(file);
    const writing = this.beforeWrite().then(() => {
      this.check(file);
      return write();
    });
    this.underWay.add(writing);
    await writing.finally(() => this.underWay.delete(writing));
  }

  private check(file: string): void {
    if (this.full) throw new ResidentError("DISK_FULL", "the disk is full", "free some space", { path: file });
  }
}

/** Runs `body` with a folder of its own whose path has a space in it. */
export async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "resident test "));
  try {
    await body(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

export const identity: BlockIdentity = {
  weightsId: "weights",
  architectureId: '{"type":"llama"}',
  kvDtype: "f32",
  blockTokens: 4,
  kvLayoutId: "token-major-1",
  numericsId: "fake-1",
};

export function tokens(...ids: readonly number[]): Int32Array {
  return Int32Array.from(ids);
}

/** `count` ids that differ from those of another `seed`. */
export function someTokens(count: number, seed = 0): Int32Array {
  return Int32Array.from({ length: count }, (_, index) => (seed * 1000 + index * 7 + 3) % 50_000);
}
