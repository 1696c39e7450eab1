/**
 * Which agents other processes write. To know, the lock must be tried, and that is a call of the system for each: what
 * was seen counts for a while, so that a list which is drawn four times a second does not try every lock each time.
 */
import { stat } from "node:fs/promises";
import { inBatches } from "../common/batches";
import { errnoCode, looksInFlight } from "./files";
import type { FileLock, FileLocks } from "./ports";
import { kindOf } from "./untrustedFile";

/** "free": of other processes. "unusable": something that is no lock file is in its place. */
export type LockState = "free" | "held" | "unusable";

/** What was seen of a lock is told again for so long. */
export const lockStateMs = 2_000;

export class LockWatch {
  private readonly seen = new Map<string, { readonly state: LockState; readonly atMs: number }>();
  private readonly own = new Set<string>();
  private looking: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly fileOf: (id: string) => string,
    private readonly locks: () => FileLocks,
    private readonly nowMs: () => number = () => performance.now(),
  ) {}

  /** None is older than `lockStateMs`. Locks are tried a few at a time, one after the other with other work in between. */
  async states(ids: readonly string[]): Promise<ReadonlyMap<string, LockState>> {
    const look = this.looking.then(() => this.lookAt(ids.filter((id) => !this.own.has(id) && !this.isFresh(id))));
    this.looking = look.catch(() => {});
    await look;
    return new Map(ids.map((id) => [id, this.own.has(id) ? "free" : (this.seen.get(id)?.state ?? "free")]));
  }

  /** As it is now. */
  async now(id: string): Promise<LockState> {
    this.forget(id);
    return (await this.states([id])).get(id) ?? "free";
  }

  /** This process takes the lock itself: as long as the result's `release` was not called nobody else has it. */
  holding(id: string, lock: FileLock): FileLock {
    this.own.add(id);
    return {
      release: () => {
        lock.release();
        this.own.delete(id);
        this.forget(id);
      },
    };
  }

  forget(id: string): void {
    this.seen.delete(id);
  }

  private isFresh(id: string): boolean {
    const seen = this.seen.get(id);
    return seen !== undefined && this.nowMs() - seen.atMs < lockStateMs;
  }

  private async lookAt(ids: readonly string[]): Promise<void> {
    await inBatches(ids, looksInFlight, async (id) => {
      const state = await this.probe(this.fileOf(id));
      this.seen.set(id, { state, atMs: this.nowMs() });
    });
  }

  /** Tries the lock for a moment. "free" where it cannot be known: a home that is read only has no writers here. */
  private async probe(file: string): Promise<LockState> {
    try {
      const kind = await stat(file);
      if (!kind.isFile()) return "unusable";
      const lock = this.locks().tryLock(file);
      lock?.release();
      return lock === undefined ? "held" : "free";
    } catch (error) {
      return errnoCode(error) === "ELOOP" ? "unusable" : "free";
    }
  }
}

/** Why nobody can lock `file`; `undefined`: it is a file, or is not there yet. */
export async function lockProblem(file: string): Promise<string | undefined> {
  try {
    const kind = await stat(file);
    return kind.isFile() ? undefined : kindOf(kind);
  } catch (error) {
    return errnoCode(error) === "ELOOP" ? "a link to itself" : undefined;
  }
}
