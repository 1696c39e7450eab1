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

/** What a suite gets for the time of one run. */
export interface BenchWorld {
  readonly service: BenchService;
  /** Files of the run belong here. The folder is removed afterwards. */
  readonly scratch: string;
}

export interface BenchHomePorts extends Omit<BenchAgentsPorts, "models"> {
  /** Holds a folder for each run. */
  readonly root: string;
  /** The model as benchmarks ask for it. */
  readonly models: ModelAccess;
  /** The model as people's agents ask for it. */
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
 * Where benchmarks run: their agents, blocks and files are kept apart from people's, and are gone afterwards. What people
 * had in memory before is brought back.
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
    // What the previous run still brings back, this run would push out again.
    await this.bringingBack;
    try {
      return await (answersWait[suite] ? held.hold(signal, onBusy, work) : work());
    } finally {
      if (before !== undefined) this.bringingBack = this.bringBack(before);
    }
  }

  /** Removes what killed processes left. */
  sweep(): Promise<void> {
    return sweepScratch(this.ports.root, this.ports.locks);
  }

  /** Saves and releases what the loaded model holds of a benchmark's agents, before it is unloaded. */
  async evictAll(): Promise<void> {
    await this.own?.agents.residency.evictAll();
  }

  /** The same as `Residency.saveLeft`, for a benchmark's agent. */
  saveLeft(session: ModelSession, left: LeftBlock): Promise<void> | undefined {
    return this.own?.agents.residency.saveLeft(session, left);
  }

  /** Stops bringing back what was in memory. */
  async close(): Promise<void> {
    this.closed = true;
    await this.bringingBack;
  }

  private async inWorld<T>(scratch: string, measure: (world: BenchWorld) => Promise<T>): Promise<T> {
    const own = new BenchAgents(scratch, this.ports);
    this.own = own;
    try {
      return await measure({ service: benchService(own.agents, this.ports.engine), scratch });
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

  /** At low priority, and only while nobody needs another model. Never rejects. */
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
      log.log("info", `what was in memory before the benchmark is not brought back: ${toErrorInfo(error).what}`);
    }
  }
}
