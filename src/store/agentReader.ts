/** Reads agents' folders without locks and without writing. Of damaged folders it reads what is left. */
import { lstat, readdir } from "node:fs/promises";
import path from "node:path";
import { ResidentError } from "../common/errors";
import type { AgentRecord } from "./agentRecord";
import type { CommittedLogs } from "./committedLogs";
import { ifThere, isTemporary } from "./files";
import { MalformedJson } from "./json";
import { type LogDamage, type ReadLogs, readLogs } from "./logReader";
import { agentFiles, decodeManifest, type Manifest, maxManifestBytes } from "./manifest";
import { emptyEnd, type LogEntry } from "./turnLog";
import { type ByteSource, noBytes, readUntrusted, UntrustedFile } from "./untrustedFile";

/** An agent as stored in its folder. */
export interface StoredAgent {
  readonly manifest: Manifest;
  /** The trusted part of its log, oldest first. */
  readonly entries: readonly LogEntry[];
  /** Why entries may be missing at the end; absent when all committed entries are there. */
  readonly damage?: LogDamage;
}

/** What the logs contain of an agent whose manifest cannot be read. */
export interface Remains {
  /** The agent's record; absent when no line states it. */
  readonly agent?: AgentRecord;
  readonly logs: ReadLogs;
}

/** The two open logs of a folder. */
export interface OpenLogs {
  readonly turns: ByteSource;
  readonly tokens: ByteSource;
  /** Why a log is not a file, if one is not. */
  readonly notAFile?: string;
}

export class AgentReader {
  /** `root`: folder of the agents' folders. */
  constructor(readonly root: string) {}

  folder(id: string): string {
    return path.join(this.root, id);
  }

  file(id: string, name: keyof typeof agentFiles): string {
    return path.join(this.folder(id), agentFiles[name]);
  }

  /** Throws AGENT_NOT_FOUND, AGENT_CORRUPT, and IO_FAILURE when the folder could not be read. */
  async manifest(id: string): Promise<Manifest> {
    const file = this.file(id, "manifest");
    await this.assertThere(id);
    try {
      const bytes = await readUntrusted(file, maxManifestBytes);
      if (bytes === undefined) {
        await this.assertHoldsSomething(id);
        throw new MalformedJson("it is missing");
      }
      const manifest = decodeManifest(bytes);
      if (manifest.id === id) return manifest;
      throw new MalformedJson("it belongs to another agent");
    } catch (error) {
      const isCorrupt = error instanceof ResidentError && error.code === "STORE_CORRUPT";
      if (!(error instanceof MalformedJson) && !isCorrupt) throw error;
      const reason = isCorrupt ? error.what : error.message;
      throw new ResidentError("AGENT_CORRUPT", `the agent's manifest cannot be read: ${reason}`, repairAdvice(id), {
        agent: id,
        path: file,
        reason,
      });
    }
  }

  /** Throws AGENT_NOT_FOUND. */
  async assertThere(id: string): Promise<void> {
    if (!isSafeId(id) || (await ifThere(this.folder(id), lstat)) === undefined) throw noSuchAgent(id);
  }

  /** A folder without any committed data is not an agent: its process ended while it created one. */
  private async assertHoldsSomething(id: string): Promise<void> {
    const names = (await ifThere(this.folder(id), (folder) => readdir(folder))) ?? [];
    if (names.every((name) => name === agentFiles.lock || isTemporary(name))) throw noSuchAgent(id);
  }

  async read(id: string): Promise<StoredAgent & { readonly logs: ReadLogs }> {
    const manifest = await this.manifest(id);
    const logs = await this.logs(id, manifest.logs);
    const { entries, damage } = logs;
    return { manifest, logs, entries, ...(damage === undefined ? {} : { damage }) };
  }

  /** Reads what is left without the manifest. */
  async remains(id: string): Promise<Remains> {
    const logs = await this.logs(id);
    const agent = lastRecordOf(id, logs.agents);
    return { logs, ...(agent === undefined ? {} : { agent }) };
  }

  /** Without `committed` every whole line counts, and a damaged first line is skipped. */
  logs(id: string, committed?: CommittedLogs): Promise<ReadLogs> {
    return this.withLogs(id, async ({ turns, tokens, notAFile }) => {
      if (notAFile !== undefined) return nothing(notAFile);
      if (committed === undefined) return readLogs(turns, tokens, { skipFirst: true });
      const logs = await readLogs(turns, tokens, { committed });
      // The log was copied from another agent's folder: its lines are whole but belong to that agent.
      const isForeign = logs.agents.length > 0 && logs.agents.every((agent) => agent.id !== id);
      return isForeign ? nothing("turns.log belongs to another agent") : logs;
    });
  }

  async withLogs<T>(id: string, work: (logs: OpenLogs) => Promise<T>): Promise<T> {
    const open: UntrustedFile[] = [];
    let notAFile: string | undefined;
    const openOne = async (name: "turns" | "tokens"): Promise<ByteSource> => {
      try {
        const file = await UntrustedFile.open(this.file(id, name));
        if (file === undefined) return noBytes;
        open.push(file);
        return file;
      } catch (error) {
        if (!(error instanceof ResidentError) || error.code !== "STORE_CORRUPT") throw error;
        notAFile = error.what;
        return noBytes;
      }
    };
    try {
      const [turns, tokens] = [await openOne("turns"), await openOne("tokens")];
      return await work({ turns, tokens, ...(notAFile === undefined ? {} : { notAFile }) });
    } finally {
      await Promise.all(open.map((file) => file.close()));
    }
  }
}

function nothing(reason: string): ReadLogs {
  return { entries: [], agents: [], end: emptyEnd(), isFirstSkipped: false, damage: { reason, line: 1, byte: 0 } };
}

/** The newest record of the agent. In a folder that was copied, the records have the source's id. */
export function lastRecordOf(id: string, records: readonly AgentRecord[]): AgentRecord | undefined {
  return records.filter((record) => record.id === id).at(-1) ?? records.at(-1);
}

/** Ids are folder names, so only ids in the store's own format may become part of a path. */
export function isSafeId(id: string): boolean {
  return /^[0-9a-z]{1,64}$/.test(id);
}

function noSuchAgent(id: string): ResidentError {
  return new ResidentError("AGENT_NOT_FOUND", `there is no agent ${id}`, "list the agents and choose one", {
    agent: id,
  });
}

function repairAdvice(agent: string): string {
  return `repair it (Repair Agent, or \`resident agents repair ${agent}\`), or delete it`;
}

/** The error for an agent whose manifest cannot be read; it says what is left. */
export function unreadable(id: string, reason: string, { agent, logs }: Remains): ResidentError {
  const who = agent === undefined ? `the agent in folder ${id}, whose name is unknown,` : agent.name;
  const { entries, end, damage } = logs;
  const left = `${entries.length} records of its turn log and ${end.tokenCount} token ids are left`;
  return new ResidentError(
    "AGENT_CORRUPT",
    `${who} cannot be read: its manifest is damaged (${reason}); ${left}; its cache can be found again by its contents`,
    repairAdvice(agent?.name ?? id),
    {
      agent: id,
      records: entries.length,
      tokens: end.tokenCount,
      ...(agent === undefined ? {} : { name: agent.name }),
      ...(damage === undefined ? {} : { logDamage: damage.reason }),
    },
  );
}

export function damagedLog(id: string, name: string, damage: string): ResidentError {
  return new ResidentError(
    "AGENT_CORRUPT",
    `a part of the log of ${name} is damaged on disk (${damage}); everything before it can be read`,
    repairAdvice(name),
    { agent: id, name, damage },
  );
}

export function unusableLock(id: string, name: string): ResidentError {
  return new ResidentError("AGENT_CORRUPT", `${name} cannot be written: its lock is not a file`, repairAdvice(name), {
    agent: id,
    name,
  });
}
