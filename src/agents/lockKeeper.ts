import { toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { AgentId } from "../protocol/service";
import type { LiveAgent } from "./liveAgent";
import type { LiveAgents } from "./liveAgents";
import type { Residency } from "./residency";

export interface LockKeeperPorts {
  readonly live: LiveAgents;
  readonly residency: Residency;
  /** How long an unused agent keeps its lock, in case the next message of a room comes. */
  readonly graceMs: number;
  readonly log: Log;
  /** The agent is on disk only, and its lock is free. */
  readonly onLeft: (agent: LiveAgent) => void;
}

/**
 * Releases the locks of agents that are idle and that no panel shows, so that another window or program can continue
 * them. Their logs leave this process's memory. Full blocks of their caches stay findable in the pool.
 */
export class LockKeeper {
  /** How many panels show an agent. */
  private readonly shown = new Map<AgentId, number>();
  private readonly timers = new Map<AgentId, NodeJS.Timeout>();

  constructor(private readonly ports: LockKeeperPorts) {}

  setShown(id: AgentId, shown: boolean): void {
    const panels = Math.max(0, (this.shown.get(id) ?? 0) + (shown ? 1 : -1));
    if (panels > 0) this.shown.set(id, panels);
    else this.shown.delete(id);
    this.look(id);
  }

  /** A call that used the agent is over: it may be released after a while. */
  look(id: AgentId): void {
    clearTimeout(this.timers.get(id));
    this.timers.delete(id);
    if (this.shown.has(id) || this.ports.live.get(id) === undefined) return;
    const timer = setTimeout(() => void this.letGo(id), this.ports.graceMs);
    // The timer does not keep the process running.
    timer.unref();
    this.timers.set(id, timer);
  }

  dispose(): void {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  private async letGo(id: AgentId): Promise<void> {
    const { live, residency, log, onLeft } = this.ports;
    const agent = live.get(id);
    if (agent === undefined) return;
    try {
      if (this.mayLeave(agent)) await residency.evict(agent);
      // An agent that could not be saved stays live. While it was saved, a new call may have begun to use it.
      if (!this.mayLeave(agent) || agent.writer.hasUncommitted) {
        this.look(id);
        return;
      }
      const closed = agent.writer.close();
      live.forget(id, closed);
      await closed;
      onLeft(agent);
    } catch (error) {
      log.log("warn", `the lock of ${agent.name} is not given up: ${toErrorInfo(error).what}`);
    }
  }

  private mayLeave(agent: LiveAgent): boolean {
    const isUsed = agent.users > 0 || agent.activity !== undefined || agent.deleted;
    return !isUsed && !this.shown.has(agent.id) && !this.ports.residency.isBusy(agent);
  }
}
