/**
 * Which agents other processes write. The only way to know is to try the lock, one system call per agent. States are
 * kept for a while, so that a list that is drawn four times a second does not try every lock each time.
 */
import { stat } from "node:fs/promises";
import { inBatches } from "../common/batches";
import { errnoCode } from "../common/errno";
import { looksInFlight } from "./files";
import type { FileLock, FileLocks } from "./ports";
import { kindOf } from "./untrustedFile";

/** "free": no other process holds it. "unusable": the lock is not a file. */
export type LockState = "free" | "held" | "unusable";

/** How long a seen state of a lock is reused. */
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

  /** States are at most `lockStateMs` old. Tries a few locks at a time, so that other work can run in between. */
  async states(ids: readonly string[]): Promise<ReadonlyMap<string, LockState>> {
    const look = this.looking.then(() => this.lookAt(ids.filter((id) => !this.own.has(id) && !this.isFresh(id))));
    this.looking = look.catch(() => {});
    await look;
    return new Map(ids.map((id) => [id, this.own.has(id) ? "free" : (this.seen.get(id)?.state ?? "free")]));
  }

  /** The current state, tried now. */
  async now(id: string): Promise<LockState> {
    this.forget(id);
    return (await this.states([id])).get(id) ?? "free";
  }

  /** Records that this process holds the lock until `release` of the returned lock is called. */
  trackOwn(id: string, lock: FileLock): FileLock {
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
      const state = await this.probe(id);
      this.seen.set(id, { state, atMs: this.nowMs() });
    });
  }

  /** Tries the lock and releases it at once. "free" when it cannot be tried: a read-only home has no writers here. */
  private async probe(id: string): Promise<LockState> {
    const file = this.fileOf(id);
    try {
      const kind = await stat(file);
      if (!kind.isFile()) return "unusable";
      if (this.own.has(id)) return "free"; // taken meanwhile
      const lock = this.locks().tryLock(file);
      lock?.release();
      return lock === undefined ? "held" : "free";
    } catch (error) {
      return errnoCode(error) === "ELOOP" ? "unusable" : "free";
    }
  }
}

/** Why `file` cannot be locked; `undefined`: it is a file or does not exist yet. */
export async function lockProblem(file: string): Promise<string | undefined> {
  try {
    const kind = await stat(file);
    return kind.isFile() ? undefined : kindOf(kind);
  } catch (error) {
    return errnoCode(error) === "ELOOP" ? "a link to itself" : undefined;
  }
}
