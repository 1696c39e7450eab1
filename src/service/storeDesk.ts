import { statfs } from "node:fs/promises";
import path from "node:path";
import { type ErrorInfo, ResidentError, toErrorInfo } from "../common/errors";
import type {
  AgentId,
  AgentRepair,
  FileTotals,
  Progress,
  StoreCollection,
  StoreForgotten,
  StoreRepair,
  StoreStats,
  StoreVerification,
  StoreVerified,
} from "../protocol/service";
import { ifThere } from "../store/files";
import { foldersIn, listObjects, objectAt, objectsIn, usageOf } from "../store/objectFiles";
import type { BlockChecker } from "../store/ports";
import type { ReferenceReader } from "../store/references";
import { evict } from "../store/removals";
import { isStillDamaged, verifyStore } from "../store/verify";
import type { StoreCollector } from "./storeCollector";

export interface StoreDeskPorts {
  readonly root: string;
  readonly quotaBytes: number;
  readonly references: ReferenceReader;
  readonly collector: StoreCollector;
  readonly checker: () => BlockChecker;
  /** Deletes all agents. Throws AGENT_LOCKED, nothing deleted, while another process uses one. */
  readonly deleteAgents: () => Promise<number>;
  readonly damagedAgents: () => Promise<readonly AgentId[]>;
  readonly repairAgent: (id: AgentId) => Promise<AgentRepair>;
  /** Removes what ended processes left unfinished in the agents' folders. */
  readonly sweepAgents: () => Promise<void>;
  /** Called after files were removed. */
  readonly onChanged: () => void;
  /** Keeps the result of a verification. */
  readonly keepVerified: (verified: StoreVerified) => Promise<void>;
}

type OnProgress = (progress: Progress) => void;

/** The user's operations on the store on disk. */
export class StoreDesk {
  constructor(private readonly ports: StoreDeskPorts) {}

  async stats(): Promise<StoreStats> {
    const { root, quotaBytes, references } = this.ports;
    const { isReferenced, models, unknown, numAgents } = await references.read();
    const [referenced, unreferenced] = [new Totals(), new Totals()];
    const byFolder = new Map<string, Totals>();
    for await (const objects of objectsIn(root)) {
      for (const { key, bytes, path: file } of objects) {
        (isReferenced(key) ? referenced : unreferenced).add(bytes);
        const folder = path.relative(root, file).split(path.sep)[0] ?? "";
        const totals = byFolder.get(folder) ?? new Totals();
        byFolder.set(folder, totals);
        totals.add(bytes);
      }
    }
    return {
      path: root,
      objects: referenced.objects + unreferenced.objects,
      bytes: referenced.bytes + unreferenced.bytes,
      quotaBytes,
      freeDiskBytes: await freeBytes(root),
      models: [...byFolder].map(([folder, totals]) => {
        const name = models.get(folder);
        return { folder, ...totals.plain(), ...(name === undefined ? {} : { name }) };
      }),
      referenced: referenced.plain(),
      unreferenced: unreferenced.plain(),
      agents: numAgents,
      agentFiles: await sizeOfFiles(references.agentsRoot),
      unknown: unreferenced.objects > 0 ? unknown : [],
    };
  }

  async verify(onProgress: OnProgress, signal?: AbortSignal): Promise<StoreVerification> {
    const verification = await this.look(onProgress, signal);
    await this.keep(verification, verification.problems.length);
    return verification;
  }

  private look(onProgress: OnProgress, signal?: AbortSignal): Promise<StoreVerification> {
    const { root, references, checker } = this.ports;
    return verifyStore(root, references, checker(), {
      signal,
      onProgress: (done, total) => onProgress({ done, total, unit: "bytes", message: "verifying saved blocks" }),
    });
  }

  async collect(signal?: AbortSignal): Promise<StoreCollection> {
    await this.ports.sweepAgents();
    const report = await this.ports.collector.collect({ signal });
    this.ports.onChanged();
    return report;
  }

  async repair(onProgress: OnProgress, signal?: AbortSignal): Promise<StoreRepair> {
    const { root, checker, onChanged } = this.ports;
    const verification = await this.look(onProgress, signal);
    const damaged = [];
    for (const { path: file, code } of verification.problems) {
      if (code === "unreadable") continue;
      const object = await objectAt(file);
      // A file that holds another block than its name says is intact for the checker, but still counts as damaged.
      const isDamaged = code === "identity" || (await isStillDamaged(file, checker()));
      if (object !== undefined && isDamaged) damaged.push(object);
    }
    await evict(root, damaged);
    onChanged();
    await this.keep(verification, verification.problems.length - damaged.length);
    return { verification, removed: usageOf(damaged), ...(await this.repairAgents(signal)) };
  }

  private async keep({ checked, stopped }: StoreVerification, problems: number): Promise<void> {
    await this.ports.keepVerified({ at: new Date().toISOString(), checked, problems, stopped });
  }

  private async repairAgents(signal: AbortSignal | undefined): Promise<Pick<StoreRepair, "agents" | "failed">> {
    const { damagedAgents, repairAgent } = this.ports;
    const agents: AgentRepair[] = [];
    const failed: { readonly agent: AgentId; readonly error: ErrorInfo }[] = [];
    for (const id of await damagedAgents()) {
      if (signal?.aborted === true) break;
      await repairAgent(id).then(
        (repaired) => agents.push(repaired),
        (error: unknown) => failed.push({ agent: id, error: toErrorInfo(error) }),
      );
    }
    return { agents, failed };
  }

  async forget(): Promise<StoreForgotten> {
    const { root, collector, deleteAgents, sweepAgents, onChanged } = this.ports;
    const agents = await deleteAgents();
    await sweepAgents();
    const removed = await collector.alone(async () => {
      const objects = await listObjects(root);
      await evict(root, objects);
      return usageOf(objects);
    });
    onChanged();
    if (removed !== undefined) return { agents, removed };
    const what = "the agents are deleted; their blocks are not: another window or program is collecting in this store";
    throw new ResidentError("AGENT_LOCKED", what, "try again in a moment", { path: root });
  }
}

class Totals implements FileTotals {
  objects = 0;
  bytes = 0;

  add(bytes: number): void {
    this.objects += 1;
    this.bytes += bytes;
  }

  plain(): FileTotals {
    return { objects: this.objects, bytes: this.bytes };
  }
}

async function sizeOfFiles(root: string): Promise<FileTotals> {
  const totals = new Totals();
  for await (const files of foldersIn(root)) {
    for (const file of files) {
      const found = await objectAt(file);
      if (found !== undefined) totals.add(found.bytes);
    }
  }
  return totals.plain();
}

/** Free bytes on the disk of a folder that may not exist yet. */
async function freeBytes(folder: string): Promise<number> {
  const found = await ifThere(folder, (there) => statfs(there));
  const parent = path.dirname(folder);
  if (found !== undefined) return found.bavail * found.bsize;
  return parent === folder ? 0 : freeBytes(parent);
}
