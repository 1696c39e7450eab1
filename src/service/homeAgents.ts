import path from "node:path";
import { type Agents, createAgents } from "../agents/agents";
import type { AgentsOptions } from "../agents/agentWorld";
import { Threads } from "../agents/threads/threads";
import type { ServiceEvent } from "../protocol/service";
import { AgentStore, threadsFolder } from "../store/agentStore";
import { BlockStore } from "../store/blockStore";
import { DiskQuota } from "../store/freeDisk";
import type { DurableFiles, FileLocks } from "../store/ports";
import type { ReferenceReader } from "../store/references";
import { ThreadFiles } from "../store/threadFiles";
import { forwardAgentEvents } from "./agentEvents";
import { StoreKeeper, type StoreKeeperPorts } from "./storeKeeper";

export interface HomeAgentsPorts
  extends Omit<AgentsOptions, "store" | "blocks" | "wallClockMs">,
    Pick<StoreKeeperPorts, "collectIfDue"> {
  readonly locks: () => FileLocks;
  readonly files: DurableFiles;
  readonly storeQuotaBytes: number;
  /** Events of agents for the programs. */
  readonly fire: (event: ServiceEvent) => void;
}

/**
 * A home's agents and conversations of other programs, with their blocks on disk, which are kept within a quota. The person's
 * home has them, and so has each run of a benchmark.
 */
export class HomeAgents {
  readonly agents: Agents;
  readonly threads: Threads;
  readonly keeper: StoreKeeper;
  /** Folder of the blocks. */
  readonly root: string;
  readonly references: ReferenceReader;
  private readonly quota: DiskQuota;

  constructor(home: string, ports: HomeAgentsPorts) {
    const { models, clock, sampling, log, files, storeQuotaBytes, collectIfDue } = ports;
    const wallClockMs = Date.now;
    const blocks = new BlockStore(path.join(home, "store"));
    const quota = new DiskQuota(blocks.root, storeQuotaBytes);
    const store = new AgentStore(path.join(home, "agents"), files, ports.locks);
    this.root = blocks.root;
    this.references = store.references;
    this.quota = quota;
    this.agents = createAgents({ ...ports, store, blocks, wallClockMs });
    this.threads = new Threads({
      ...{ models, blocks, clock, wallClockMs, sampling, log },
      files: new ThreadFiles(path.join(home, threadsFolder), files),
      storeQuotaBytes: () => quota.bytes,
      onSaved: () => this.keeper.saved(undefined),
    });
    this.keeper = new StoreKeeper({
      ...{ blocks, collectIfDue, nowMs: wallClockMs, log },
      get quotaBytes() {
        return quota.bytes;
      },
      onCounted: (bytes) => quota.refresh(bytes),
      neededKeys: () => this.agents.neededKeys(),
    });
    this.agents.onEvent((event) => forwardAgentEvents(event, this.keeper, ports.fire));
  }

  /** What the blocks on disk may take at the moment. */
  get quotaBytes(): number {
    return this.quota.bytes;
  }

  /** Saves all caches and gives their blocks back, before the model is unloaded. */
  async evictAll(): Promise<void> {
    await this.agents.residency.evictAll();
    await this.threads.evictAll();
  }
}
