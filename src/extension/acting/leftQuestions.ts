import type { PendingApprovals } from "../../acting/approvals";
import type { Disposable } from "../../common/disposables";
import type { AgentId } from "../../protocol/service";
import type { ActingAgents } from "./actingAgents";
import type { KeptQuestions } from "./keptQuestions";

type End = Awaited<ReturnType<ActingAgents["askAgain"]>>;

/** Waits between attempts, in ms: the window that was reloaded may have its agents for some seconds more. */
const waitsMs = [1000, 2000, 4000, 8000, 16_000] as const;

export interface LeftQuestionsPorts {
  readonly kept: Pick<KeptQuestions, "agents" | "of" | "forget">;
  readonly approvals: Pick<PendingApprovals, "questionOf">;
  readonly agents: Pick<ActingAgents, "askAgain">;
  /** Calls back once, after `ms`, unless it is disposed before. */
  readonly after: (ms: number, callback: () => void) => Disposable;
  readonly onError: (error: unknown) => void;
}

/** What waited for the person when this workspace's window was closed is asked again by itself; nothing else is done for it. */
export class LeftQuestions implements Disposable {
  private readonly underWay = new Map<AgentId, Promise<End>>();
  private readonly timers = new Map<AgentId, Disposable>();
  private isDisposed = false;

  constructor(private readonly ports: LeftQuestionsPorts) {}

  /** Asks all of them. An agent that another window has is left alone, and looked at again for a while. Rejects where it is not known. */
  async start(): Promise<void> {
    const agents = await this.ports.kept.agents();
    await Promise.all(agents.map((agent) => this.attempt(agent, waitsMs)));
  }

  /** The agent is shown to the person. Resolves when its question is there, or cannot be now. Never rejects. */
  async resume(agent: AgentId): Promise<void> {
    await this.ask(agent);
  }

  dispose(): void {
    this.isDisposed = true;
    for (const timer of this.timers.values()) timer.dispose();
    this.timers.clear();
  }

  private async attempt(agent: AgentId, [wait, ...waits]: readonly number[]): Promise<void> {
    this.timers.delete(agent);
    const end = await this.ask(agent);
    if (end !== "later" || wait === undefined || this.isDisposed) return;
    this.timers.set(
      agent,
      this.ports.after(wait, () => void this.attempt(agent, waits)),
    );
  }

  private ask(agent: AgentId): Promise<End> {
    const asking = this.underWay.get(agent) ?? this.askNow(agent).finally(() => this.underWay.delete(agent));
    this.underWay.set(agent, asking);
    return asking;
  }

  private async askNow(agent: AgentId): Promise<End> {
    const { kept, approvals, agents, onError } = this.ports;
    try {
      const left = await kept.of(agent);
      if (left === undefined) return "gone";
      if (approvals.questionOf(agent, left.call) !== undefined) return "asked";
      const end = await agents.askAgain(agent, left);
      if (end === "gone") kept.forget(agent); // "Go On" is left
      return end;
    } catch (error) {
      onError(error);
      return "gone"; // until it is shown
    }
  }
}
