import path from "node:path";
import { type Agents, createAgents } from "../agents/agents";
import type { ModelAccess } from "../agents/ports";
import { noServers } from "../agents/serverPort";
import { Threads } from "../agents/threads/threads";
import { toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { Clock } from "../engine/ports";
import type { SamplingOptions } from "../protocol/service";
import { AgentStore, threadsFolder } from "../store/agentStore";
import { BlockStore } from "../store/blockStore";
import { DiskQuota } from "../store/freeDisk";
import type { DurableFiles, FileLocks } from "../store/ports";
import { ThreadFiles } from "../store/threadFiles";
import { StoreKeeper } from "./storeKeeper";

export interface BenchAgentsPorts {
  /** The one loaded model. */
  readonly models: ModelAccess;
  readonly locks: () => FileLocks;
  readonly files: DurableFiles;
  readonly clock: Clock;
  readonly sampling: () => SamplingOptions;
  readonly defaultModel: () => string;
  readonly storeQuotaBytes: number;
  readonly log: Log;
}

/**
 * Agents of a benchmark and its conversations as another program, with folders, blocks on disk and a quota of their own,
 * separate from the user's.
 */
export class BenchAgents {
  readonly agents: Agents;
  readonly threads: Threads;
  private readonly keeper: StoreKeeper;

  constructor(
    folder: string,
    private readonly ports: BenchAgentsPorts,
  ) {
    const { models, locks, files, clock, sampling, defaultModel, storeQuotaBytes, log } = ports;
    const blocks = new BlockStore(path.join(folder, "store"));
    const quota = new DiskQuota(blocks.root, storeQuotaBytes);
    this.agents = createAgents({
      store: new AgentStore(path.join(folder, "agents"), files, locks),
      blocks,
      models,
      servers: noServers,
      clock,
      wallClockMs: Date.now,
      sampling,
      defaultModel,
      log,
    });
    this.threads = new Threads({
      ...{ models, blocks, clock, sampling, log },
      files: new ThreadFiles(path.join(folder, threadsFolder), files),
      wallClockMs: Date.now,
      storeQuotaBytes: () => quota.bytes,
      onSaved: () => this.keeper.saved(undefined),
    });
    // The store is kept within its quota here too, so that a save costs as much as a save of the user's agents.
    this.keeper = new StoreKeeper({
      blocks,
      get quotaBytes() {
        return quota.bytes;
      },
      onCounted: (bytes) => quota.refresh(bytes),
      neededKeys: () => this.agents.neededKeys(),
      collectIfDue: async () => {},
      nowMs: Date.now,
      log,
    });
    this.agents.onEvent((event) => {
      if (event.type === "saved") this.keeper.saved(event.error);
      else if (event.type === "deleted") this.keeper.changed();
    });
  }

  /** Ends answers and releases all blocks without saving them. The folder is not used any more. Never rejects. */
  async dispose(): Promise<void> {
    const parts = [
      () => this.agents.deleteAll(),
      () => this.threads.forget(),
      () => this.agents.close(),
      () => this.threads.close(),
      () => this.keeper.close(),
    ];
    for (const part of parts) {
      try {
        await part();
      } catch (error) {
        this.ports.log.log("warn", `agents of a benchmark did not end cleanly: ${toErrorInfo(error).what}`);
      }
    }
  }
}
