/** Agents' folders: who is there, reading without a lock, and taking the lock to write. */
import { randomBytes } from "node:crypto";
import { constants, copyFile, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { inBatches } from "../common/batches";
import { ResidentError } from "../common/errors";
import { AgentWriter } from "./agentWriter";
import { ifThere, looksInFlight, makeFolder, readIfThere, storeError, versionOf } from "./files";
import { MalformedJson } from "./json";
import { copyKeys, type KeyGroups } from "./keyFile";
import { agentFiles, decodeManifest, deletedPrefix, type Manifest, tailFileName } from "./manifest";
import type { DurableFiles, FileLock, FileLocks } from "./ports";
import { keysOfAgent, ReferenceReader } from "./references";
import { decodeLogs, emptyLogs, type LogContents } from "./turnLog";
import { windowPath } from "./windowFiles";

/** An agent as its folder has it. */
export interface StoredAgent extends LogContents {
  readonly manifest: Manifest;
}

interface ListedManifest {
  readonly version: string;
  readonly manifest: Manifest;
}

export type NewAgent = Pick<Manifest, "name" | "modelDirectory" | "modelName" | "contextTokens" | "system">;

export class AgentStore {
  /** Manifests as they were listed last, by agent. */
  private readonly listed = new Map<string, ListedManifest>();
  /** What the agents' folders refer to in the store of blocks. */
  readonly references: ReferenceReader;

  /** `root`: folder of the agents' folders. `locks` is asked only when something is to be written. */
  constructor(
    private readonly root: string,
    private readonly files: DurableFiles,
    private readonly locks: () => FileLocks,
    private readonly wallClockMs: () => number = Date.now,
  ) {
    this.references = new ReferenceReader(root);
  }

  /**
   * Manifests of all agents in order of creation. What cannot be read is left out and named in `damaged`. Lists are drawn
   * whenever an agent's state changes: only files that have changed are read again.
   */
  async list(): Promise<{ readonly manifests: readonly Manifest[]; readonly damaged: readonly string[] }> {
    const ids = await this.ids();
    const damaged = new Set<string>();
    const found = await inBatches(ids, looksInFlight, async (id) => {
      try {
        return await this.listOne(id);
      } catch (error) {
        if (!(error instanceof ResidentError)) throw error;
        if (error.code !== "AGENT_NOT_FOUND") damaged.add(id);
        return undefined;
      }
    });
    const there = new Set(ids);
    for (const id of this.listed.keys()) if (!there.has(id)) this.listed.delete(id);
    const manifests = found.filter((manifest) => manifest !== undefined);
    manifests.sort((a, b) => a.index - b.index || a.createdAt - b.createdAt);
    return { manifests, damaged: ids.filter((id) => damaged.has(id)) };
  }

  /** Everything committed, without taking the lock. */
  async read(id: string): Promise<StoredAgent> {
    const { manifest, contents } = await this.readFolder(id);
    return { manifest, ...contents };
  }

  /** Takes the agent's lock and reads it. Throws AGENT_LOCKED, AGENT_NOT_FOUND, AGENT_CORRUPT. */
  async open(id: string): Promise<{ readonly writer: AgentWriter; readonly stored: StoredAgent }> {
    await this.readManifest(id);
    const lock = await this.lock(id);
    try {
      const { manifest, contents, turns, tokens } = await this.readFolder(id);
      if (contents.damage !== undefined) throw damagedLog(manifest.name, contents.damage);
      const writer = new AgentWriter(this.folder(id), this.files, lock, manifest, turns, tokens);
      return { writer, stored: { manifest, ...contents } };
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** A new agent, committed and locked by this process. */
  async create(agent: NewAgent): Promise<AgentWriter> {
    const { id, lock } = await this.reserve();
    const now = this.wallClockMs();
    const manifest: Manifest = {
      ...agent,
      id,
      index: await this.nextIndex(),
      headTokens: 0,
      headTurns: 0,
      createdAt: now,
      lastUsedAt: now,
      logs: emptyLogs,
    };
    return this.firstCommit(manifest, lock, []);
  }

  /**
   * A new agent with the entries of `source`, at `head`. Block objects are shared; the tail is copied. The source's
   * lock is not needed: what is committed does not change.
   */
  async fork(
    source: string,
    change: Pick<Manifest, "name" | "headTokens" | "headTurns"> & { readonly head?: string },
  ): Promise<AgentWriter> {
    const { manifest, entries } = await this.read(source);
    const { id, lock } = await this.reserve();
    const { head: _, ...rest } = manifest;
    const now = this.wallClockMs();
    const tail = manifest.cache?.tail;
    let cache = manifest.cache;
    if (cache !== undefined && tail !== undefined && !(await this.copyTail(source, id, tail.generation))) {
      const { tail: __, ...withoutTail } = cache;
      cache = { ...withoutTail, tokens: Math.min(cache.tokens, tail.start) };
    }
    const forked: Manifest = {
      ...rest,
      ...change,
      id,
      index: await this.nextIndex(),
      createdAt: now,
      lastUsedAt: now,
      logs: emptyLogs,
      ...(cache === undefined ? {} : { cache }),
    };
    return this.firstCommit(forked, lock, entries, this.folder(source));
  }

  /** Removes the agent's folder; the lock must be free or be `held` by the caller, who gives it up. */
  async remove(id: string, held?: AgentWriter): Promise<void> {
    const lock = held === undefined ? await this.lock(id) : undefined;
    try {
      const grave = path.join(this.root, `${deletedPrefix}${id}-${randomBytes(4).toString("hex")}`);
      await rename(this.folder(id), grave);
      held?.release();
      await rm(grave, { recursive: true, force: true });
      await this.removeGraves();
    } catch (error) {
      throw storeError(error, this.folder(id));
    } finally {
      lock?.release();
    }
  }

  /** Whether another process writes the agent. Tries the lock for a moment; `false` where there are no locks. */
  isLockedElsewhere(id: string): boolean {
    let locks: FileLocks;
    try {
      locks = this.locks();
    } catch {
      return false;
    }
    const lock = locks.tryLock(path.join(this.folder(id), agentFiles.lock));
    lock?.release();
    return lock === undefined;
  }

  /** Removes what deletions that were cut short have left. */
  private async removeGraves(): Promise<void> {
    const names = await readdir(this.root).catch(() => []);
    for (const name of names) {
      if (name.startsWith(deletedPrefix)) await rm(path.join(this.root, name), { recursive: true, force: true });
    }
  }

  /** Keys of all blocks that the agent refers to. Throws where they cannot be read. */
  keysOf(id: string): Promise<KeyGroups> {
    return keysOfAgent(this.folder(id));
  }

  tailPath(id: string, generation: number): string {
    return path.join(this.folder(id), tailFileName(generation));
  }

  private folder(id: string): string {
    return path.join(this.root, id);
  }

  private async ids(): Promise<readonly string[]> {
    const folders = (await ifThere(this.root, (there) => readdir(there, { withFileTypes: true }))) ?? [];
    return folders.filter((entry) => entry.isDirectory() && !entry.name.startsWith(".")).map((entry) => entry.name);
  }

  private async listOne(id: string): Promise<Manifest> {
    const version = await versionOf(path.join(this.folder(id), agentFiles.manifest));
    const known = this.listed.get(id);
    if (version !== undefined && known?.version === version) return known.manifest;
    const manifest = await this.readManifest(id);
    // What was read may be newer than what was looked at: it is read once more then.
    if (version !== undefined) this.listed.set(id, { version, manifest });
    return manifest;
  }

  private async readManifest(id: string): Promise<Manifest> {
    const file = path.join(this.folder(id), agentFiles.manifest);
    const bytes = isSafeId(id) ? await readIfThere(file) : undefined;
    if (bytes === undefined) {
      throw new ResidentError("AGENT_NOT_FOUND", `there is no agent ${id}`, "list the agents and choose one", {
        agent: id,
      });
    }
    try {
      return decodeManifest(bytes);
    } catch (error) {
      if (!(error instanceof MalformedJson)) throw error;
      throw new ResidentError(
        "AGENT_CORRUPT",
        `the agent's manifest cannot be read: ${error.message}`,
        "restore the file from a backup or delete the agent",
        { agent: id, path: file },
      );
    }
  }

  private async readFolder(id: string) {
    const manifest = await this.readManifest(id);
    const turns = (await readIfThere(path.join(this.folder(id), agentFiles.turns))) ?? Buffer.alloc(0);
    const tokens = (await readIfThere(path.join(this.folder(id), agentFiles.tokens))) ?? Buffer.alloc(0);
    return {
      manifest,
      contents: decodeLogs(turns, tokens, manifest.logs),
      turns: turns.subarray(0, manifest.logs.turnBytes),
      tokens: tokens.subarray(0, manifest.logs.tokenCount * 4),
    };
  }

  /** Tries more than once: another process may just be looking whether the lock is free. */
  private async lock(id: string): Promise<FileLock> {
    const locks = this.locks();
    for (let attempt = 0; attempt < lockAttempts; attempt += 1) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, lockRetryMs));
      const lock = locks.tryLock(path.join(this.folder(id), agentFiles.lock));
      if (lock !== undefined) return lock;
    }
    throw new ResidentError(
      "AGENT_LOCKED",
      "another window or program is using this agent",
      "read it here, fork it, or close it there and try again",
      { agent: id },
    );
  }

  private async reserve(): Promise<{ readonly id: string; readonly lock: FileLock }> {
    const id = randomBytes(8).toString("hex");
    const locks = this.locks();
    await makeFolder(this.folder(id)).catch((error: unknown) => {
      throw storeError(error, this.folder(id));
    });
    const lock = locks.tryLock(path.join(this.folder(id), agentFiles.lock));
    if (lock === undefined)
      throw new ResidentError("AGENT_LOCKED", "the new agent's lock is taken", "try again", { agent: id });
    return { id, lock };
  }

  /** `source`: folder of the agent whose blocks it shares. */
  private async firstCommit(
    manifest: Manifest,
    lock: FileLock,
    entries: LogContents["entries"],
    source?: string,
  ): Promise<AgentWriter> {
    const writer = new AgentWriter(
      this.folder(manifest.id),
      this.files,
      lock,
      manifest,
      Buffer.alloc(0),
      Buffer.alloc(0),
    );
    try {
      // First, so that the objects are referred to whatever becomes of the source.
      if (source !== undefined) await copyKeys(this.files, keysIn(source), keysIn(writer.folder));
      for (const entry of entries) writer.append(entry.body, entry.tokens);
      await writer.commit();
      return writer;
    } catch (error) {
      writer.release();
      await rm(this.folder(manifest.id), { recursive: true, force: true }).catch(() => {});
      throw error;
    }
  }

  private async nextIndex(): Promise<number> {
    const { manifests } = await this.list();
    return manifests.reduce((next, manifest) => Math.max(next, manifest.index + 1), 0);
  }

  private async copyTail(source: string, target: string, generation: number): Promise<boolean> {
    try {
      const [from, to] = [this.tailPath(source, generation), this.tailPath(target, generation)];
      await copyFile(from, to, constants.COPYFILE_FICLONE);
      // Only models with windows have it; without it their turn is read again.
      await copyFile(windowPath(from), windowPath(to), constants.COPYFILE_FICLONE).catch(() => {});
      return true;
    } catch {
      return false;
    }
  }
}

const lockAttempts = 3;
const lockRetryMs = 20;

function keysIn(folder: string): string {
  return path.join(folder, agentFiles.keys);
}

/** Ids name folders: nothing but what `reserve` makes may reach a path. */
function isSafeId(id: string): boolean {
  return /^[0-9a-z]+$/.test(id);
}

function damagedLog(name: string, damage: string): ResidentError {
  return new ResidentError(
    "AGENT_CORRUPT",
    `a part of what ${name} said is damaged on disk (${damage}); everything before it can be read`,
    "fork the agent to go on from the last good turn",
    { damage },
  );
}
