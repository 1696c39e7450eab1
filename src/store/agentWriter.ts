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

/** What a commit may change in the manifest. `head: null` = before the first turn. */
export type ManifestChange = Partial<Omit<Manifest, "id" | "index" | "createdAt" | "logs" | "head">> & {
  readonly head?: string | null;
};

/**
 * The one writer of an agent's folder. Entries are appended in memory; `commit` puts them on disk: logs first, then
 * the manifest by rename. A commit that fails changes nothing on disk that counts, and keeps everything for the next.
 */
export class AgentWriter {
  private readonly log: TurnLogWriter;
  private last: Promise<unknown> = Promise.resolve();
  /** The manifest as the next commit will write it, logs aside. */
  private wanted: Manifest;
  private dirty = true;
  /** Keys of the blocks that the agent refers to. */
  readonly keys: KeyFile;

  /** `end`: of the logs that the manifest commits. */
  constructor(
    private place: string,
    private readonly files: DurableFiles,
    private readonly lock: FileLock,
    manifest: Manifest,
    end: LogEnd,
  ) {
    this.wanted = manifest;
    this.log = new TurnLogWriter(end);
    // Before anything else: whatever is lost of the log, whose it is stands in its first line.
    if (end.turnBytes === 0) this.log.describe(agentRecordOf(manifest));
    this.keys = new KeyFile(() => path.join(this.folder, agentFiles.keys), files, keysOfManifest(manifest));
  }

  get folder(): string {
    return this.place;
  }

  get manifest(): Manifest {
    return this.wanted;
  }

  /** Something appended or changed is not on disk yet. */
  get hasUncommitted(): boolean {
    return this.dirty;
  }

  /** Of the logs, what is on disk. */
  get committed(): CommittedLogs {
    return this.log.committed;
  }

  /** Bytes of lines that the next commit will write. */
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
   * Commits one after the other, in call order. Throws DISK_FULL or IO_FAILURE; nothing is lost then. "whole": for what can
   * be made again, like the cache's entry; a failure of the system may take the manifest back to the commit before.
   */
  commit(durability: Durability = "kept"): Promise<void> {
    const commit = this.last.then(() => this.commitNow(durability));
    this.last = commit.catch(() => {});
    return commit;
  }

  /** Changes the manifest and commits; when that fails, `undo` is changed back and the error thrown. */
  async commitOrUndo(change: ManifestChange, undo: ManifestChange): Promise<void> {
    this.change(change);
    try {
      await this.commit();
    } catch (error) {
      this.change(undo);
      throw error;
    }
  }

  /** The same with new entries, which are gone again when the commit fails. Nobody else may append meanwhile. */
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

  /** Gives the folder another name: an agent is made under a private one. */
  async moveTo(folder: string): Promise<void> {
    await rename(this.place, folder);
    this.place = folder;
    await syncFolder(path.dirname(folder));
  }

  /** Waits for commits under way, then gives the lock up. */
  async close(): Promise<void> {
    await this.last;
    this.lock.release();
  }

  release(): void {
    this.lock.release();
  }

  private async commitNow(durability: Durability): Promise<void> {
    if (!this.dirty) return;
    // The name outlives the manifest: it stands in the log, at first and whenever it has changed.
    this.log.describe(agentRecordOf(this.wanted));
    const pending = this.log.pending();
    const manifest = { ...this.wanted, logs: pending.committed };
    this.dirty = false;
    // A message waits for this. The new manifest is written beside the logs; it counts when they are on disk.
    const logs = this.writeLogs(pending);
    const file = path.join(this.folder, agentFiles.manifest);
    const replaced = this.files.replace(file, encodeManifest(manifest), durability, logs);
    // Both are over before the next commit begins, whatever becomes of them.
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
