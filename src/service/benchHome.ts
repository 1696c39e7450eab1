import type { Agents } from "../agents/agents";
import type { ModelAccess, ModelSession } from "../agents/ports";
import type { BenchService } from "../bench/benchService";
import { toErrorInfo } from "../common/errors";
import type { LeftBlock } from "../engine/liveTables";
import { answersWait } from "../protocol/benchWaits";
import type { AgentId, BenchSuite } from "../protocol/service";
import type { HoldableModelAccess } from "./answerHold";
import { BenchAgents, type BenchAgentsPorts } from "./benchAgents";
import { benchService } from "./benchService";
import type { ModelGate } from "./modelGate";
import type { LoadedModel } from "./modelHost";
import { sweepScratch, withScratchFolder } from "./scratchFolder";

/** The resources of a suite during one run. */
export interface BenchWorld {
  readonly service: BenchService;
  /** Folder for files of the run. It is removed afterwards. */
  readonly scratch: string;
}

export interface BenchHomePorts extends Omit<BenchAgentsPorts, "models"> {
  /** Folder that contains a folder for each run. */
  readonly root: string;
  /** Model access of benchmarks. */
  readonly models: ModelAccess;
  /** Model access of the user's agents. */
  readonly held: HoldableModelAccess;
  readonly gate: Pick<ModelGate<LoadedModel>, "current" | "numLeases" | "unload">;
  readonly people: Pick<Agents, "list" | "warm">;
  readonly engine: Pick<BenchService, "generate" | "loadModel" | "status" | "unloadModel">;
}

/** What was in memory before a run. */
interface InMemory {
  readonly model: string | undefined;
  readonly agents: readonly AgentId[];
}

/**
 * The environment of benchmarks: their agents, blocks and files are separate from the user's and are removed
 * afterwards. Then the caches that were in memory before are restored.
 */
export class BenchHome {
  private own: BenchAgents | undefined;
  private bringingBack: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(private readonly ports: BenchHomePorts) {}

  /** Answers wait if they would disturb `suite`. `onBusy` is called with the number of answers that must end first. */
  async run<T>(
    suite: BenchSuite,
    signal: AbortSignal,
    onBusy: (numAnswers: number) => void,
    measure: (world: BenchWorld) => Promise<T>,
  ): Promise<T> {
    const { root, held, locks } = this.ports;
    let before: InMemory | undefined;
    const work = async () => {
      before = await this.inMemory();
      return withScratchFolder(root, locks(), (scratch) => this.inWorld(scratch, measure));
    };
    // Caches that the previous run still restores would be dropped by this run.
    await this.bringingBack;
    try {
      return await (answersWait[suite] ? held.hold(signal, onBusy, work) : work());
    } finally {
      if (before !== undefined) this.bringingBack = this.bringBack(before);
    }
  }

  /** Removes folders that killed processes left. */
  sweep(): Promise<void> {
    return sweepScratch(this.ports.root, this.ports.locks);
  }

  /** Saves and releases the caches of a benchmark's agents before the model is unloaded. */
  async evictAll(): Promise<void> {
    await this.own?.evictAll();
  }

  /** The same as `Residency.saveLeft`, for a benchmark's agent. */
  saveLeft(session: ModelSession, left: LeftBlock): Promise<void> | undefined {
    return this.own?.agents.residency.saveLeft(session, left);
  }

  /** Stops restoring the caches that were in memory. */
  async close(): Promise<void> {
    this.closed = true;
    await this.bringingBack;
  }

  private async inWorld<T>(scratch: string, measure: (world: BenchWorld) => Promise<T>): Promise<T> {
    const own = new BenchAgents(scratch, this.ports);
    this.own = own;
    try {
      return await measure({ service: benchService(own, this.ports.engine), scratch });
    } finally {
      await own.dispose();
      this.own = undefined;
    }
  }

  private async inMemory(): Promise<InMemory> {
    const agents = await this.ports.people.list();
    return {
      model: this.ports.gate.current?.directory,
      agents: agents.filter(({ hotTokens }) => hotTokens > 0).map(({ id }) => id),
    };
  }

  /** Restores at low priority, and only while no work needs another model. Never rejects. */
  private async bringBack({ model, agents }: InMemory): Promise<void> {
    const { gate, models, people, log } = this.ports;
    if (this.closed) return;
    try {
      const now = await this.inMemory();
      if (model === undefined) {
        const isUnused = now.model !== undefined && now.agents.length === 0 && gate.numLeases === 0;
        return isUnused ? await gate.unload() : undefined;
      }
      if (now.model !== model) {
        if (gate.numLeases > 0) return;
        (await models.lease(model)).release();
      }
      for (const id of agents) {
        if (this.closed) return;
        if (!now.agents.includes(id)) await people.warm(id);
      }
    } catch (error) {
      log.log("info", `caches from before the benchmark are not restored: ${toErrorInfo(error).what}`);
    }
  }
}
