import { type ErrorInfo, toErrorInfo } from "../common/errors";
import { Emitter } from "../common/events";
import type { Log } from "../common/log";
import type { Clock } from "../engine/ports";
import type { AgentId, AgentSummary, CacheRefusal, SamplingOptions, TurnId } from "../protocol/service";
import type { AgentStore } from "../store/agentStore";
import type { AgentWriter } from "../store/agentWriter";
import type { BlockStore } from "../store/blockStore";
import { removeObjectsOf } from "../store/collect";
import { keysOfAgent } from "../store/references";
import { AgentCache } from "./agentCache";
import { LiveAgent } from "./liveAgent";
import { LiveAgents } from "./liveAgents";
import { LockKeeper } from "./lockKeeper";
import type { ModelAccess } from "./ports";
import { Residency, rankOf } from "./residency";
import type { Servers } from "./serverPort";
import { type LiveState, summaryOf } from "./summaries";
import { TurnTree } from "./turnTree";

export interface AgentsOptions {
  readonly store: AgentStore;
  readonly blocks: BlockStore;
  readonly models: ModelAccess;
  readonly clock: Clock;
  readonly wallClockMs: () => number;
  readonly servers: Servers;
  /** The user's settings for answers at the moment. */
  readonly sampling: () => SamplingOptions;
  readonly defaultModel: () => string;
  readonly log: Log;
  /** How long an agent that is idle and not shown keeps its lock. */
  readonly lockGraceMs?: number;
}

export type AgentEvent =
  | { readonly type: "changed"; readonly summary: AgentSummary }
  | { readonly type: "deleted"; readonly id: AgentId }
  | { readonly type: "turnStarted" | "turnEnded"; readonly id: AgentId; readonly turn: TurnId }
  /** A save ended: `bytes` of blocks were written. `error`: why not everything could be saved. */
  | { readonly type: "saved"; readonly id: AgentId; readonly bytes: number; readonly error?: ErrorInfo }
  | { readonly type: "refused"; readonly id: AgentId; readonly refused: CacheRefusal };

const defaultLockGraceMs = 30_000;

const onDiskOnly: LiveState = { state: "idle", hotTokens: 0, lockedElsewhere: false };

/** What all work on agents shares: which are live, where their caches are, and who is told of changes. */
export class AgentWorld {
  readonly live: LiveAgents;
  readonly residency: Residency;
  readonly locks: LockKeeper;
  private readonly emitter: Emitter<AgentEvent>;

  constructor(readonly options: AgentsOptions) {
    const { store, models, blocks, log, lockGraceMs: graceMs = defaultLockGraceMs } = options;
    this.emitter = new Emitter((error) => log.log("error", toErrorInfo(error).what));
    this.live = new LiveAgents(
      store,
      (id) => this.newCache(id),
      ({ id }) => this.locks.look(id),
    );
    const { live } = this;
    this.residency = new Residency({
      ...{ live, models, blocks, log },
      onChange: (agent) => this.changed(agent),
      onSaved: ({ id, saveError }, bytes) =>
        this.fire({ type: "saved", id, bytes, ...(saveError && { error: saveError }) }),
    });
    this.locks = new LockKeeper({
      ...{ live, residency: this.residency, graceMs, log },
      onLeft: ({ writer }) => this.fire({ type: "changed", summary: summaryOf(writer.manifest, onDiskOnly) }),
    });
  }

  get onEvent() {
    return this.emitter.event;
  }

  fire(event: AgentEvent): void {
    this.emitter.fire(event);
  }

  /** Tells of the agent as it is now. */
  changed(agent: LiveAgent): AgentSummary {
    const summary = agent.summary();
    if (!agent.deleted) this.fire({ type: "changed", summary });
    return summary;
  }

  /** Does `work` with the live agent, then tells of the agent. Rejects as `LiveAgents.use` does. */
  change(id: AgentId, work: (agent: LiveAgent) => Promise<void>): Promise<AgentSummary> {
    return this.live.use(id, async (agent) => {
      await work(agent);
      return this.changed(agent);
    });
  }

  /** The same for what must not happen during an answer: rejects with AGENT_BUSY. */
  changeIdle(id: AgentId, work: (agent: LiveAgent) => Promise<void>): Promise<AgentSummary> {
    return this.change(id, (agent) => {
      agent.assertIdle();
      return work(agent);
    });
  }

  /** The agent that was made with `writer`; it is live once it is adopted. */
  made(writer: AgentWriter, tree = new TurnTree()): LiveAgent {
    return new LiveAgent(writer, this.newCache(writer.manifest.id), tree);
  }

  adopt(agent: LiveAgent): AgentSummary {
    this.live.adopt(agent);
    return this.changed(agent);
  }

  /** Removes blocks of a deleted agent that no other agent refers to. The collection removes what a failure leaves. */
  readonly removeBlocksOf = async (folder: string): Promise<void> => {
    const { store, blocks, log } = this.options;
    try {
      await removeObjectsOf(blocks.root, store.references, await keysOfAgent(folder));
    } catch (error) {
      log.log("warn", `blocks of a deleted agent stay until the next collection: ${toErrorInfo(error).what}`);
    }
  };

  private newCache(id: AgentId): AgentCache {
    const agent = () => this.live.get(id);
    return new AgentCache(id, this.options.blocks, this.options.clock, {
      rank: () => {
        const live = agent();
        return live === undefined ? 0 : rankOf(live);
      },
      save: async () => {
        const live = agent();
        if (live !== undefined) await this.residency.save(live);
      },
      onDropped: () => {
        const live = agent();
        if (live === undefined) return;
        this.options.log.log("info", `${live.name} leaves memory: others need its blocks`);
        this.changed(live);
      },
    });
  }
}
