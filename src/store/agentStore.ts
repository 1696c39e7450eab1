/** Agents' folders: lists them, reads them without a lock, and takes the lock to write. */
import { randomBytes } from "node:crypto";
import { constants, copyFile, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { ResidentError } from "../common/errors";
import { freeName } from "../common/names";
import { AgentLister } from "./agentLister";
import { type AgentList, assertFree, type NameRules, namesOf, withNamesLock } from "./agentNames";
import { AgentReader, damagedLog, type Remains, type StoredAgent, unreadable, unusableLock } from "./agentReader";
import { type RepairPlan, type RepairReport, repairFolder } from "./agentRepair";
import { deletedPrefix, newPrefix, type OnDeleted, removeDeleted, sweepAgents } from "./agentSweep";
import { AgentWriter } from "./agentWriter";
import { makeFolder, storeError, syncFolder } from "./files";
import { copyKeys } from "./keyFile";
import { type LockState, LockWatch, lockProblem } from "./lockWatch";
import { agentFiles, type Manifest, tailFileName } from "./manifest";
import type { DurableFiles, FileLock, FileLocks } from "./ports";
import { ReferenceReader } from "./references";
import { Slices } from "./slices";
import { emptyEnd, emptyLogs } from "./turnLog";
import { windowPath } from "./windowFiles";

export type NewAgent = Pick<
  Manifest,
  "name" | "modelDirectory" | "modelName" | "contextTokens" | "system" | "day" | "thinking" | "tools" | "server"
>;

export interface CreateOptions {
  /** Creates the agent although an unreadable agent may have the same name. */
  readonly allowUnreadable?: boolean;
}

export type ForkChange = Pick<Manifest, "name" | "headTokens" | "headTurns" | "headCalls" | "day" | "delegateOf"> & {
  readonly head?: string;
};

export class AgentStore {
  private readonly reader: AgentReader;
  private readonly lockWatch: LockWatch;
  private readonly lister: AgentLister;
  private naming: Promise<unknown> = Promise.resolve();
  /** The block objects that the agents' folders refer to. */
  readonly references: ReferenceReader;

  /** `root`: folder of the agents' folders. `locks` is called only before a write. */
  constructor(
    private readonly root: string,
    private readonly files: DurableFiles,
    private readonly locks: () => FileLocks,
    private readonly wallClockMs: () => number = Date.now,
  ) {
    this.reader = new AgentReader(root);
    this.references = new ReferenceReader(root, path.join(path.dirname(root), threadsFolder));
    this.lister = new AgentLister(this.reader);
    this.lockWatch = new LockWatch((id) => this.reader.file(id, "lock"), locks);
  }

  /**
   * All agents; unreadable ones with the reason. Reads only changed files again, since lists are drawn whenever an
   * agent's state changes. Throws IO_FAILURE when the home's folder could not be read.
   */
  list(): Promise<AgentList> {
    return this.lister.list();
  }

  /** Ids of the agent's delegates. Reads only agents that were never listed. Throws IO_FAILURE as `list` does. */
  delegatesOf(id: string): Promise<readonly string[]> {
    return this.lister.delegatesOf(id);
  }

  /** Reads everything committed without taking the lock. Throws AGENT_NOT_FOUND, AGENT_CORRUPT, IO_FAILURE. */
  async read(id: string): Promise<StoredAgent> {
    const { manifest, entries, damage } = await this.reader.read(id);
    return { manifest, entries, ...(damage === undefined ? {} : { damage }) };
  }

  /** What the logs contain of an agent whose manifest cannot be read. */
  remains(id: string): Promise<Remains> {
    return this.reader.remains(id);
  }

  /** Takes the agent's lock and reads it. Throws AGENT_LOCKED, AGENT_NOT_FOUND, AGENT_CORRUPT, IO_FAILURE. */
  async open(id: string): Promise<{ readonly writer: AgentWriter; readonly stored: StoredAgent }> {
    await this.manifestOrRemains(id);
    const lock = await this.lock(id);
    try {
      const { manifest, logs, entries, damage } = await this.reader.read(id);
      if (damage !== undefined) throw damagedLog(id, manifest.name, damage.reason);
      const writer = new AgentWriter(this.reader.folder(id), this.files, lock, manifest, logs.end);
      return { writer, stored: { manifest, entries } };
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Creates an agent, committed and locked by this process. Throws INVALID_REQUEST when the name is taken. */
  create(agent: NewAgent, { allowUnreadable = false }: CreateOptions = {}): Promise<AgentWriter> {
    return this.withFreeName(agent.name, { allowUnreadable }, (list) => {
      const now = this.wallClockMs();
      const base = { headTokens: 0, headTurns: 0, createdAt: now, lastUsedAt: now, logs: emptyLogs };
      return this.make({ ...agent, ...base, id: newId(), index: nextIndex(list) }, async (writer) => writer.commit());
    });
  }

  /**
   * Creates an agent with the entries of `source`, as it was read, at `head`. Block objects are shared; the tail is
   * copied. Needs no lock on the source: committed data does not change. Throws AGENT_CORRUPT when entries are missing.
   */
  fork({ manifest: source, entries, damage }: StoredAgent, change: ForkChange): Promise<AgentWriter> {
    if (damage !== undefined) throw damagedLog(source.id, source.name, damage.reason);
    const isDelegate = change.delegateOf !== undefined;
    return this.withFreeName(change.name, { allowUnreadable: true, takesNext: isDelegate }, (list, name) => {
      const { head: _, cache, delegateOf: __, pinned, ...others } = source;
      const rest = isDelegate || pinned === undefined ? others : { ...others, pinned };
      const now = this.wallClockMs();
      const base = { name, id: newId(), index: nextIndex(list), createdAt: now, lastUsedAt: now, logs: emptyLogs };
      return this.make({ ...rest, ...change, ...base }, async (writer) => {
        // First, so that the objects stay referenced even if the source is deleted meanwhile.
        await copyKeys(this.files, keysIn(this.reader.folder(source.id)), keysIn(writer.folder));
        const slices = new Slices();
        for (const { body, tokens } of entries) {
          writer.append(body, tokens);
          if (writer.pendingBytes > forkedPieceBytes) await writer.commit();
          await slices.pause();
        }
        if (cache !== undefined) writer.change({ cache: await this.copyTail(source.id, cache, writer) });
        await writer.commit();
        if (writer.committed.tokenDigest === source.logs.tokenDigest) return;
        throw new ResidentError("IO_FAILURE", `the copy of ${source.name} differs from it`, "try again");
      });
    });
  }

  /** Renames an agent that this process writes. Throws INVALID_REQUEST when the name is taken. */
  rename(writer: AgentWriter, name: string): Promise<void> {
    const { id, name: before } = writer.manifest;
    return this.withFreeName(name, { except: id, allowUnreadable: true }, () =>
      writer.commitOrUndo({ name }, { name: before }),
    );
  }

  /**
   * Repairs a damaged agent so that it can be opened again with every turn up to the damage. The damaged files are kept
   * next to the new ones. Throws AGENT_LOCKED, AGENT_NOT_FOUND, IO_FAILURE. Changes nothing when nothing is damaged.
   */
  async repair(id: string, plan: RepairPlan): Promise<RepairReport> {
    return this.withNames(async () => {
      const list = await this.list();
      const others = namesOf({
        manifests: list.manifests.filter((manifest) => manifest.id !== id),
        unreadable: list.unreadable.filter((agent) => agent.id !== id),
      });
      const { reader, files } = this;
      const home = { reader, files, index: nextIndex(list), nowMs: this.wallClockMs() };
      const takeLock = () => this.lock(id);
      const repaired = await repairFolder(id, home, takeLock, { ...plan, freeName: (name) => freeName(name, others) });
      this.lister.forget(id);
      this.lockWatch.forget(id);
      return repaired;
    });
  }

  /**
   * Removes the agent's folder. The lock must be free or `held` by the caller; it is released. The agent is gone once
   * its folder is renamed: files that cannot be removed now are removed at the next start.
   */
  async remove(id: string, held?: AgentWriter, onDeleted: OnDeleted = async () => {}): Promise<void> {
    await this.reader.assertThere(id);
    const isLockable = (await lockProblem(this.reader.file(id, "lock"))) === undefined;
    const lock = held === undefined && isLockable ? await this.lock(id) : undefined;
    try {
      const deleted = path.join(this.root, `${deletedPrefix}${id}-${randomBytes(4).toString("hex")}`);
      await rename(this.reader.folder(id), deleted);
      held?.release();
      await syncFolder(this.root);
      await removeDeleted(deleted, onDeleted);
    } catch (error) {
      throw storeError(error, this.reader.folder(id));
    } finally {
      lock?.release();
    }
  }

  /** Removes what ended processes left unfinished. Waits for no lock; skips what it cannot remove. */
  sweep(onDeleted: OnDeleted = async () => {}): Promise<void> {
    const lockAgent = (id: string) => {
      const lock = tryLock(this.locks(), this.reader.file(id, "lock"));
      return lock && this.lockWatch.trackOwn(id, lock);
    };
    return sweepAgents(this.reader, { locks: this.locks, lockAgent }, onDeleted);
  }

  /** Whether other processes write these agents. States are at most `lockStateMs` old. */
  lockStates(ids: readonly string[]): Promise<ReadonlyMap<string, LockState>> {
    return this.lockWatch.states(ids);
  }

  /** Whether another process writes the agent now. */
  lockState(id: string): Promise<LockState> {
    return this.lockWatch.now(id);
  }

  tailPath(id: string, generation: number): string {
    return path.join(this.reader.folder(id), tailFileName(generation));
  }

  /** Throws AGENT_CORRUPT, which says what is left, when the manifest cannot be read. */
  private async manifestOrRemains(id: string): Promise<void> {
    try {
      await this.reader.manifest(id);
    } catch (error) {
      if (!(error instanceof ResidentError) || error.code !== "AGENT_CORRUPT") throw error;
      throw unreadable(id, String(error.facts["reason"]), await this.reader.remains(id));
    }
  }

  /** Tries more than once: another process may hold the lock only to test whether it is free. */
  private async lock(id: string): Promise<FileLock> {
    const locks = this.locks();
    const file = this.reader.file(id, "lock");
    if ((await lockProblem(file)) !== undefined) throw unusableLock(id, this.lister.nameOf(id));
    this.lockWatch.forget(id);
    for (let attempt = 0; attempt < lockAttempts; attempt += 1) {
      if (attempt > 0) await new Promise((resolve) => setTimeout(resolve, lockRetryMs));
      const lock = tryLock(locks, file);
      if (lock !== undefined) return this.lockWatch.trackOwn(id, lock);
    }
    throw new ResidentError(
      "AGENT_LOCKED",
      "another window or program is using this agent",
      "read it here, fork it, or close it there and try again",
      { agent: id },
    );
  }

  /**
   * Checks that `name` is free and runs `work` while no other process can take it. With `takesNext` a taken name is changed
   * into the next free one.
   */
  private async withFreeName<T>(
    name: string,
    { takesNext = false, ...rules }: NameRules & { readonly takesNext?: boolean },
    work: (list: AgentList, name: string) => Promise<T>,
  ): Promise<T> {
    await makeFolder(this.root).catch((error: unknown) => {
      throw storeError(error, this.root);
    });
    return this.withNames(async () => {
      const list = await this.list();
      const wanted = takesNext ? freeName(name, namesOf(list)) : name;
      assertFree(wanted, list, rules);
      return work(list, wanted);
    });
  }

  /** Calls of this process wait for each other here: waiting for the lock's file would take longer. */
  private withNames<T>(work: () => Promise<T>): Promise<T> {
    const done = this.naming.then(() => withNamesLock(this.root, this.locks(), work));
    this.naming = done.catch(() => {});
    return done;
  }

  /** Makes and fills a folder under a private name, then renames it to the agent's: nobody sees half an agent. */
  private async make(manifest: Manifest, fill: (writer: AgentWriter) => Promise<void>): Promise<AgentWriter> {
    const folder = path.join(this.root, `${newPrefix}${manifest.id}`);
    let writer: AgentWriter | undefined;
    try {
      await makeFolder(folder);
      const lock = tryLock(this.locks(), path.join(folder, agentFiles.lock));
      if (lock === undefined) throw new Error("its lock is taken");
      const own = this.lockWatch.trackOwn(manifest.id, lock);
      writer = new AgentWriter(folder, this.files, own, manifest, emptyEnd());
      await fill(writer);
      await writer.moveTo(this.reader.folder(manifest.id));
      return writer;
    } catch (error) {
      writer?.release();
      await rm(writer?.folder ?? folder, { recursive: true, force: true }).catch(() => {});
      throw storeError(error, folder);
    }
  }

  /** Copies the tail and returns the cache's entry for the copy; without a tail when it could not be copied. */
  private async copyTail(
    source: string,
    cache: NonNullable<Manifest["cache"]>,
    writer: AgentWriter,
  ): Promise<NonNullable<Manifest["cache"]>> {
    const { tail, ...withoutTail } = cache;
    if (tail === undefined) return cache;
    const [from, to] = [this.tailPath(source, tail.generation), writer.tailPath(tail.generation)];
    try {
      await copyWhole(from, to);
      // Only models with window layers have this file; without it the last turn is prefilled again.
      await copyWhole(windowPath(from), windowPath(to)).catch(() => {});
      return cache;
    } catch {
      await writer.removeTail(tail.generation);
      return { ...withoutTail, tokens: Math.min(cache.tokens, tail.start) };
    }
  }
}

/** Next to the agents' folder. */
export const threadsFolder = "threads";

const lockAttempts = 3;
const lockRetryMs = 20;

/** A long log is copied in pieces of this size: hashing and writing all of it at once would block the thread. */
const forkedPieceBytes = 1024 * 1024;

function keysIn(folder: string): string {
  return path.join(folder, agentFiles.keys);
}

function newId(): string {
  return randomBytes(8).toString("hex");
}

function nextIndex({ manifests, unreadable }: AgentList): number {
  const agents = [...manifests, ...unreadable.flatMap(({ agent }) => agent ?? [])];
  const next = agents.reduce((most, { index }) => Math.max(most, index + 1), 0);
  // A forged manifest may have the largest safe integer as its index.
  return Math.min(next, Number.MAX_SAFE_INTEGER);
}

function tryLock(locks: FileLocks, file: string): FileLock | undefined {
  try {
    return locks.tryLock(file);
  } catch (error) {
    throw storeError(error, file);
  }
}

/** Checks only the size: the copy is verified by its checksum when it is read. */
async function copyWhole(from: string, to: string): Promise<void> {
  const before = await stat(from);
  if (!before.isFile()) throw new Error("it is not a file");
  await copyFile(from, to, constants.COPYFILE_FICLONE);
  if ((await stat(to)).size !== before.size) throw new Error("the copy is shorter");
}
