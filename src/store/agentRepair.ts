/**
 * Repairs a damaged agent so that it can be opened again. Its log is the source of truth: every record up to the damage
 * stays, and the manifest is rebuilt from the records. Damaged files are kept next to the new ones under another name.
 */
import { randomBytes } from "node:crypto";
import { constants, copyFile, link, lstat, rename } from "node:fs/promises";
import { ResidentError } from "../common/errors";
import { type AgentReader, lastRecordOf } from "./agentReader";
import { agentRecordOf } from "./agentRecord";
import { AgentWriter } from "./agentWriter";
import { ifThere, storeError } from "./files";
import type { JsonObject } from "./json";
import { lockProblem } from "./lockWatch";
import { type ReadLogs, readLost } from "./logReader";
import type { agentFiles, Manifest } from "./manifest";
import type { DurableFiles, FileLock } from "./ports";
import { Slices } from "./slices";
import { committedAt, emptyEnd, type LogEnd, type LogEntry, TurnLogWriter } from "./turnLog";

/** The meaning of the entries; the code that wrote them decodes it. */
export interface Understanding {
  /** Number of valid entries, from the first. */
  readonly kept: number;
  /** Why the next entry is not valid. */
  readonly reason?: string;
  readonly turns: number;
  /** The wanted turn if it exists, else the newest; absent: there is no turn. */
  readonly head?: string;
  readonly headTokens: number;
  readonly headTurns: number;
  readonly headCalls?: number;
  /** The pinned files that the entries name last. */
  readonly files?: Manifest["files"];
}

export interface RepairPlan {
  readonly understand: (entries: readonly LogEntry[], wantedHead: string | undefined) => Promise<Understanding>;
  readonly isTurn: (body: JsonObject) => boolean;
  /** Called when nothing that is left says which name and model the agent had. */
  readonly fallback: () => Promise<Pick<Manifest, "name" | "modelDirectory" | "modelName" | "contextTokens">>;
}

export interface RepairReport {
  readonly id: string;
  readonly name: string;
  /** Nothing was damaged, and nothing was changed. */
  readonly wasWhole: boolean;
  readonly keptTurns: number;
  readonly lostTurns: number;
  readonly lostRecords: number;
  /** What was damaged, one sentence each. */
  readonly damages: readonly string[];
  /** Number of the first lost record and the byte of turns.log where it began. */
  readonly lostFrom?: { readonly record: number; readonly byte: number };
  /** Paths under which the damaged files are kept. */
  readonly keptFiles: readonly string[];
}

export interface RepairedHome {
  readonly reader: AgentReader;
  readonly files: DurableFiles;
  /** Place in the order of creation for an agent whose place is unknown. */
  readonly index: number;
  readonly nowMs: number;
}

interface NamedPlan extends RepairPlan {
  /** The name itself if it is free, else a similar one that is. */
  readonly freeName: (name: string) => string;
}

export async function repairFolder(
  id: string,
  home: RepairedHome,
  takeLock: () => Promise<FileLock>,
  plan: NamedPlan,
): Promise<RepairReport> {
  const { reader } = home;
  const first = await manifestOf(reader, id);
  const aside = new DamagedFiles(reader, id, home.nowMs);
  const damages = first.damage === undefined ? [] : [first.damage];
  const badLock = await lockProblem(reader.file(id, "lock"));
  if (badLock !== undefined) {
    await aside.move("lock");
    damages.push(`its lock was ${badLock}`);
  }
  const lock = await takeLock();
  try {
    const { manifest } = await manifestOf(reader, id);
    return await new FolderRepair(id, home, plan, aside, damages, lock).run(manifest);
  } catch (error) {
    throw storeError(error, reader.folder(id));
  } finally {
    lock.release();
  }
}

async function manifestOf(reader: AgentReader, id: string): Promise<{ manifest?: Manifest; damage?: string }> {
  try {
    return { manifest: await reader.manifest(id) };
  } catch (error) {
    if (!(error instanceof ResidentError) || error.code !== "AGENT_CORRUPT") throw error;
    return { damage: `its manifest could not be read: ${error.facts["reason"]}` };
  }
}

class FolderRepair {
  constructor(
    private readonly id: string,
    private readonly home: RepairedHome,
    private readonly plan: NamedPlan,
    private readonly aside: DamagedFiles,
    private readonly damages: string[],
    private readonly lock: FileLock,
  ) {}

  async run(manifest: Manifest | undefined): Promise<RepairReport> {
    const { reader, files } = this.home;
    const logs = await this.readableLogs(manifest);
    const understood = await this.plan.understand(logs.entries, manifest?.head);
    if (understood.reason !== undefined) this.damages.push(`record ${understood.kept + 1}: ${understood.reason}`);
    const isLogWhole = logs.damage === undefined && !logs.isFirstSkipped && understood.reason === undefined;
    if (manifest?.head !== undefined && manifest.head !== understood.head) {
      this.damages.push(`its last turn ${manifest.head} is not in its log`);
    }
    const lost = await this.lostOf(logs, understood);
    const wasWhole = this.damages.length === 0;
    if (!wasWhole) {
      const end = isLogWhole ? logs.end : await this.rewriteLogs(logs, understood.kept, manifest);
      if (manifest === undefined) await this.aside.keep("manifest");
      const repaired = await this.manifestFrom(manifest, logs, understood, end);
      await new AgentWriter(reader.folder(this.id), files, this.lock, repaired, end).commit();
    }
    const { name } = await reader.manifest(this.id);
    const { damages, aside, id } = this;
    return { id, name, wasWhole, keptTurns: understood.turns, ...lost, damages, keptFiles: aside.names };
  }

  /** The committed part up to the damage; without a manifest, or after a damaged first line, all that can be read. */
  private async readableLogs(manifest: Manifest | undefined): Promise<ReadLogs> {
    const { reader } = this.home;
    let logs = await reader.logs(this.id, manifest?.logs);
    if (manifest !== undefined && logs.damage?.line === 1) {
      const behind = await reader.logs(this.id);
      if (behind.isFirstSkipped) logs = behind;
    }
    if (logs.isFirstSkipped) this.damages.push("line 1 of turns.log is damaged");
    if (logs.damage !== undefined) this.damages.push(logs.damage.reason);
    return logs;
  }

  private async lostOf({ entries, damage, end }: ReadLogs, { kept }: Understanding) {
    const senseless = entries.slice(kept).map(({ body }) => body);
    const behind =
      damage === undefined ? [] : await this.home.reader.withLogs(this.id, ({ turns }) => readLost(turns, damage));
    const lost = [...senseless, ...behind];
    const lostTurns = lost.filter((body) => body !== undefined && this.plan.isTurn(body)).length;
    if (lost.length === 0) return { lostTurns, lostRecords: 0 };
    const lostFrom = { record: kept + 1, byte: damage?.byte ?? end.turnBytes };
    return { lostTurns, lostRecords: lost.length, lostFrom };
  }

  /** Replaces the damaged logs with new ones that have the kept entries. */
  private async rewriteLogs(logs: ReadLogs, kept: number, manifest: Manifest | undefined): Promise<LogEnd> {
    const { reader, files } = this.home;
    const writer = new TurnLogWriter(emptyEnd());
    const agent = manifest ?? logs.end.agent;
    if (agent !== undefined) writer.describe({ ...agentRecordOf(agent), id: this.id });
    const slices = new Slices();
    for (const entry of logs.entries.slice(0, kept)) {
      writer.append(entry);
      await slices.pause();
    }
    const pending = writer.pending();
    await this.aside.keep("turns");
    await this.aside.keep("tokens");
    await files.replace(reader.file(this.id, "tokens"), pending.tokenBytes);
    await files.replace(reader.file(this.id, "turns"), pending.turnBytes);
    return pending.end;
  }

  private async manifestFrom(
    manifest: Manifest | undefined,
    logs: ReadLogs,
    { head, headTokens, headTurns, headCalls = 0, files = [] }: Understanding,
    end: LogEnd,
  ): Promise<Manifest> {
    const branch = { ...(head === undefined ? {} : { head }), headTokens, headTurns, headCalls, files };
    const { freeName } = this.plan;
    if (manifest !== undefined) {
      const { head: _, ...rest } = manifest;
      return { ...rest, ...branch, logs: committedAt(end) };
    }
    const { index, nowMs } = this.home;
    const agent = lastRecordOf(this.id, logs.agents);
    const known = agent ?? { ...(await this.plan.fallback()), index, createdAt: nowMs, system: "" };
    const base = { ...known, id: this.id, name: freeName(known.name), lastUsedAt: nowMs };
    return { ...base, ...branch, logs: committedAt(end) };
  }
}

/** Keeps damaged files under another name. */
class DamagedFiles {
  readonly names: string[] = [];
  private readonly mark: string;

  constructor(
    private readonly reader: AgentReader,
    private readonly id: string,
    nowMs: number,
  ) {
    this.mark = `.damaged-${new Date(nowMs).toISOString().replaceAll(":", "-")}-${randomBytes(2).toString("hex")}`;
  }

  /** Gives the file a second name, since it is replaced next; anything that is not a file is moved. */
  async keep(name: keyof typeof agentFiles): Promise<void> {
    const file = this.reader.file(this.id, name);
    const there = await ifThere(file, lstat);
    if (there === undefined) return;
    if (!there.isFile()) return this.move(name);
    const kept = `${file}${this.mark}`;
    // File systems without hard links get a copy.
    await link(file, kept).catch(() => copyFile(file, kept, constants.COPYFILE_EXCL));
    this.names.push(kept);
  }

  async move(name: keyof typeof agentFiles): Promise<void> {
    const file = this.reader.file(this.id, name);
    const kept = `${file}${this.mark}`;
    await rename(file, kept);
    this.names.push(kept);
  }
}
