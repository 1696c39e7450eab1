import type { AgentId } from "../protocol/service";
import type { AgentStore } from "../store/agentStore";
import type { AgentCache } from "./agentCache";
import { LiveAgent } from "./liveAgent";
import { wholeTree } from "./readTree";

/** The agents whose locks this process holds. */
export class LiveAgents {
  private readonly agents = new Map<AgentId, LiveAgent>();
  private readonly opening = new Map<AgentId, Promise<LiveAgent>>();

  constructor(
    private readonly store: AgentStore,
    private readonly newCache: (id: AgentId) => AgentCache,
  ) {}

  get(id: AgentId): LiveAgent | undefined {
    return this.agents.get(id);
  }

  all(): readonly LiveAgent[] {
    return [...this.agents.values()];
  }

  /** The live agent; takes its lock if need be. Throws AGENT_NOT_FOUND, AGENT_LOCKED, AGENT_CORRUPT. */
  async open(id: AgentId): Promise<LiveAgent> {
    const agent = this.agents.get(id);
    if (agent !== undefined) return agent;
    const under = this.opening.get(id) ?? this.openFolder(id).finally(() => this.opening.delete(id));
    this.opening.set(id, under);
    return under;
  }

  adopt(agent: LiveAgent): void {
    this.agents.set(agent.id, agent);
  }

  forget(id: AgentId): void {
    this.agents.delete(id);
  }

  private async openFolder(id: AgentId): Promise<LiveAgent> {
    const { writer, stored } = await this.store.open(id);
    try {
      const agent = new LiveAgent(writer, this.newCache(id), await wholeTree(stored.entries));
      this.adopt(agent);
      return agent;
    } catch (error) {
      writer.release();
      throw error;
    }
  }
}
