import type { AgentId } from "../protocol/service";
import { damagedLog } from "../store/agentReader";
import type { AgentStore } from "../store/agentStore";
import type { AgentCache } from "./agentCache";
import { LiveAgent } from "./liveAgent";
import { damageOfHead, wholeTree } from "./readTree";

/** The agents whose locks this process holds. */
export class LiveAgents {
  private readonly agents = new Map<AgentId, LiveAgent>();
  private readonly opening = new Map<AgentId, Promise<LiveAgent>>();
  /** Agents whose locks are being released: they can be opened again afterwards. */
  private readonly closing = new Map<AgentId, Promise<void>>();

  /** `onUnused` is called after each call that used the agent. */
  constructor(
    private readonly store: AgentStore,
    private readonly newCache: (id: AgentId) => AgentCache,
    private readonly onUnused: (agent: LiveAgent) => void,
  ) {}

  get(id: AgentId): LiveAgent | undefined {
    return this.agents.get(id);
  }

  all(): readonly LiveAgent[] {
    return [...this.agents.values()];
  }

  /**
   * Does `work` with the live agent, which stays live until the work is over. Takes its lock if need be. Rejects with
   * AGENT_NOT_FOUND, AGENT_LOCKED, AGENT_CORRUPT, or as the work does.
   */
  async use<T>(id: AgentId, work: (agent: LiveAgent) => T | Promise<T>): Promise<T> {
    const agent = await this.open(id);
    agent.users += 1;
    try {
      return await work(agent);
    } finally {
      agent.users -= 1;
      this.onUnused(agent);
    }
  }

  adopt(agent: LiveAgent): void {
    this.agents.set(agent.id, agent);
    this.onUnused(agent);
  }

  /** The agent is on disk only from now on. `closed` resolves when its lock is free. */
  forget(id: AgentId, closed?: Promise<void>): void {
    this.agents.delete(id);
    if (closed === undefined) return;
    const over = closed.finally(() => {
      if (this.closing.get(id) === over) this.closing.delete(id);
    });
    over.catch(() => {});
    this.closing.set(id, over);
  }

  private async open(id: AgentId): Promise<LiveAgent> {
    await this.closing.get(id)?.catch(() => {});
    const agent = this.agents.get(id);
    if (agent !== undefined) return agent;
    const under = this.opening.get(id) ?? this.openFolder(id).finally(() => this.opening.delete(id));
    this.opening.set(id, under);
    return under;
  }

  private async openFolder(id: AgentId): Promise<LiveAgent> {
    const { writer, stored } = await this.store.open(id);
    try {
      const tree = await wholeTree(stored);
      const { name, head } = stored.manifest;
      const damage = damageOfHead(tree, head);
      // A message behind a missing turn would make the log unreadable.
      if (damage !== undefined) throw damagedLog(id, name, damage);
      const agent = new LiveAgent(writer, this.newCache(id), tree);
      this.adopt(agent);
      return agent;
    } catch (error) {
      writer.release();
      throw error;
    }
  }
}
