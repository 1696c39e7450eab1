import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { agentRecordOf } from "./agentRecord";
import type { CommittedLogs } from "./committedLogs";
import { storeError, syncFolder } from "./files";
import type { JsonObject } from "./json";
import { KeyFile } from "./keyFile";
import { agentFiles, encodeManifest, keysOfManifest, type Manifest, tailFileName } from "./manifest";
import type { Durability, DurableFiles, FileLock } from "./ports";
import { type LogEnd, type LogEntry, type PendingLogs, TurnLogWriter } from "./turnLog";
import { windowPath } from "./windowFiles";

/** The fields of the manifest that a commit may change. `head: null` = before the first turn. */
export type ManifestChange = Partial<Omit<Manifest, "id" | "index" | "createdAt" | "logs" | "head">> & {
  readonly head?: string | null;
};

/**
 * The one writer of an agent's folder. Entries are appended in memory; `commit` writes them to disk: logs first, then
 * the manifest by rename. A failed commit changes no committed data, and the next commit writes everything again.
 */
export class AgentWriter {
  private readonly log: TurnLogWriter;
  private last: Promise<unknown> = Promise.resolve();
  /** The manifest that the next commit will write, except its `logs`. */
  private wanted: Manifest;
  private dirty = true;
  /** Keys of the blocks that the agent refers to. */
  readonly keys: KeyFile;

  /** `end`: end of the logs that the manifest commits. */
  constructor(
    private place: string,
    private readonly files: DurableFiles,
    private readonly lock: FileLock,
    manifest: Manifest,
    end: LogEnd,
  ) {
    this.wanted = manifest;
    this.log = new TurnLogWriter(end);
    // First, so that the first line of the log says whose log it is even if later lines are lost.
    if (end.turnBytes === 0) this.log.describe(agentRecordOf(manifest));
    this.keys = new KeyFile(() => path.join(this.folder, agentFiles.keys), files, keysOfManifest(manifest));
  }

  get folder(): string {
    return this.place;
  }

  get manifest(): Manifest {
    return this.wanted;
  }

  /** Whether an appended entry or a change is not on disk yet. */
  get hasUncommitted(): boolean {
    return this.dirty;
  }

  /** The part of the logs that is on disk. */
  get committed(): CommittedLogs {
    return this.log.committed;
  }

  /** Bytes of the lines that the next commit will write. */
  get pendingBytes(): number {
    return this.log.pendingBytes;
  }

  append(body: JsonObject, tokens: Int32Array): void {
    this.log.append({ body, tokens });
    this.dirty = true;
  }

  change(change: ManifestChange): void {
    const { head, ...rest } = change;
    const { head: before, ...manifest } = this.wanted;
    const next = head === undefined ? before : (head ?? undefined);
    this.wanted = { ...manifest, ...rest, ...(next === undefined ? {} : { head: next }) };
    this.dirty = true;
  }

  /**
   * Commits run one after the other, in call order. Throws DISK_FULL or IO_FAILURE; nothing is lost then. "whole": for
   * data that can be made again, like the cache's entry; a system failure may restore the manifest of the commit
   * before.
   */
  commit(durability: Durability = "kept"): Promise<void> {
    const commit = this.last.then(() => this.commitNow(durability));
    this.last = commit.catch(() => {});
    return commit;
  }

  /** Changes the manifest and commits; when that fails, applies `undo` and throws the error. */
  async commitOrUndo(change: ManifestChange, undo: ManifestChange): Promise<void> {
    this.change(change);
    try {
      await this.commit();
    } catch (error) {
      this.change(undo);
      throw error;
    }
  }

  /** The same with new entries, which are dropped when the commit fails. No other code may append meanwhile. */
  async appendOrUndo(entries: readonly LogEntry[], change: ManifestChange, undo: ManifestChange): Promise<void> {
    if (this.dirty) await this.commit();
    for (const { body, tokens } of entries) this.append(body, tokens);
    try {
      await this.commitOrUndo(change, undo);
    } catch (error) {
      this.log.discardPending();
      throw error;
    }
  }

  tailPath(generation: number): string {
    return path.join(this.folder, tailFileName(generation));
  }

  async removeTail(generation: number): Promise<void> {
    const file = this.tailPath(generation);
    await Promise.all([file, windowPath(file)].map((path) => rm(path, { force: true }).catch(() => {})));
  }

  /** Renames the folder: an agent is created under a private name. */
  async moveTo(folder: string): Promise<void> {
    await rename(this.place, folder);
    this.place = folder;
    await syncFolder(path.dirname(folder));
  }

  /** Waits for commits under way, then releases the lock. */
  async close(): Promise<void> {
    await this.last;
    this.lock.release();
  }

  release(): void {
    this.lock.release();
  }

  private async commitNow(durability: Durability): Promise<void> {
    if (!this.dirty) return;
    // The log repeats the agent's record whenever it has changed, so that it survives the loss of the manifest.
    this.log.describe(agentRecordOf(this.wanted));
    const pending = this.log.pending();
    const manifest = { ...this.wanted, logs: pending.committed };
    this.dirty = false;
    // A message waits for this, so manifest and logs are written at the same time; the new manifest replaces the old
    // one only after the logs are on disk.
    const logs = this.writeLogs(pending);
    const file = path.join(this.folder, agentFiles.manifest);
    const replaced = this.files.replace(file, encodeManifest(manifest), durability, logs);
    // Wait for both, also on failure, before the next commit starts.
    for (const written of await Promise.allSettled([logs, replaced])) {
      if (written.status === "fulfilled") continue;
      this.dirty = true;
      throw storeError(written.reason, this.folder);
    }
    this.log.markCommitted(pending);
  }

  private async writeLogs({ turnPosition, turnBytes, tokenPosition, tokenBytes }: PendingLogs): Promise<void> {
    const { folder, files } = this;
    if (tokenBytes.length > 0) await files.writeAt(path.join(folder, agentFiles.tokens), tokenPosition, tokenBytes);
    if (turnBytes.length > 0) await files.writeAt(path.join(folder, agentFiles.turns), turnPosition, turnBytes);
  }
}
