import type { Acting } from "../../acting/acting";
import type { LeftQuestion } from "../../acting/ports";
import { type Disposable, DisposableStore } from "../../common/disposables";
import { toErrorInfo } from "../../common/errors";
import { Emitter } from "../../common/events";
import type { ActingState } from "../../protocol/acting";
import type { AgentDetail, AgentId, AgentSummary, ServiceEvent } from "../../protocol/service";
import { isBuiltIn } from "../../protocol/toolNames";
import { ShownAgent } from "../agents/shownAgent";
import type { ServiceHandle } from "../engine/serviceHandle";

export interface ActingAgentsPorts {
  readonly service: Pick<ServiceHandle, "get" | "onEvent" | "onRestart">;
  readonly acting: Pick<Acting, "onState" | "state" | "follow" | "goOn" | "askAgain" | "stop" | "forget">;
  /** A tool that is not built in can be run here. */
  readonly hasTool: (name: string) => boolean;
  readonly onError: (error: unknown) => void;
}

const interrupted = "It was interrupted before all of its calls had ended.";

type Known = Pick<AgentSummary, "name" | "tools" | "delegateOf" | "waitsFor" | "state">;

/** Lets the agents of this window act, whether a panel shows them or not: who answers here with tools that are here is followed. */
export class ActingAgents implements Disposable {
  private readonly store = new DisposableStore();
  private readonly known = new Map<AgentId, Known>();
  /** Something else follows them: they answer a message in several ways. */
  private readonly held = new Set<AgentId>();
  private readonly kept = new Map<AgentId, ShownAgent>();
  private readonly changes = this.store.add(new Emitter<AgentId>((error) => this.ports.onError(error)));

  /** What an agent does is another thing than before. */
  readonly onChange = this.changes.event;

  constructor(private readonly ports: ActingAgentsPorts) {
    this.store.add(
      ports.acting.onState(({ agent, state }) => {
        this.keep(agent, state.calls.length > 0);
        this.changes.fire(agent);
      }),
    );
    this.store.add(ports.service.onEvent((event) => this.hear(event)));
  }

  dispose(): void {
    this.store.dispose();
    for (const kept of this.kept.values()) kept.dispose();
  }

  nameOf(agent: AgentId): string {
    return this.known.get(agent)?.name ?? agent;
  }

  /** What was read of an agent is what is told of it. */
  note(agent: AgentSummary): void {
    this.known.set(agent.id, agent);
  }

  /** What the agent does now. One whose calls wait although nothing works on them says why. */
  stateOf(id: AgentId): ActingState {
    const state = this.ports.acting.state(id);
    const agent = this.known.get(id);
    if (agent === undefined || state.calls.length > 0 || state.stopped !== undefined) return state;
    const isLeft = agent.state === "idle" && agent.waitsFor !== undefined && this.acts(agent) && !this.held.has(id);
    return isLeft ? { calls: [], stopped: interrupted } : state;
  }

  /** Resolves when the turn at the head is over, with all of its steps; with why, where it was ended before it was answered. */
  async endOfTurn(id: AgentId): Promise<string | undefined> {
    const agent = this.known.get(id) ?? (await (await this.ports.service.get()).getAgent(id, 1));
    if (this.acts(agent) && !this.held.has(id)) await this.ports.acting.follow(id);
    return this.stateOf(id).stopped;
  }

  /**
   * Asks again what waited for the person when the window before this one was closed. "gone": it cannot be asked any more. "later":
   * another window has the agent, or the tool is not there yet. Nothing is done for it but that. Rejects where the agent cannot be read.
   */
  async askAgain(id: AgentId, left: LeftQuestion): Promise<"asked" | "gone" | "later"> {
    const { service, acting } = this.ports;
    if (this.held.has(id)) return "gone";
    this.keep(id, true);
    try {
      const door = await service.get();
      await door.saveAgent(id); // takes its lock: nothing is asked before the agent is this window's
      const agent = await door.getAgent(id, 1);
      this.known.set(id, agent);
      if (!this.canAsk(agent, left)) return "later";
      return (await acting.askAgain(id, left)) ? "asked" : "gone";
    } catch (error) {
      const { code } = toErrorInfo(error);
      if (code === "AGENT_LOCKED") return "later";
      if (code === "AGENT_NOT_FOUND") return "gone";
      throw error;
    } finally {
      this.keep(id, acting.state(id).calls.length > 0);
    }
  }

  /** Tools of other extensions may come a while after the window. */
  private canAsk(agent: AgentDetail, left: LeftQuestion): boolean {
    const call = agent.turns.at(-1)?.calls?.find(({ id }) => id === left.call);
    return this.acts(agent) && (call === undefined || isBuiltIn(call.name) || this.ports.hasTool(call.name));
  }

  /** The person lets it go on, after it stopped by itself or was interrupted. Resolves when it is under way. */
  async goOn(agent: AgentId): Promise<void> {
    const { acting, onError } = this.ports;
    const stoppedHere = acting.state(agent).stopped !== undefined;
    const going = stoppedHere ? acting.goOn(agent) : acting.follow(agent);
    going.catch(onError);
  }

  /** Ends what it does, its answer too. Resolves when that has ended. */
  async stop(agent: AgentId): Promise<void> {
    await this.ports.acting.stop(agent);
    const door = await this.ports.service.get();
    (await door.running(agent))?.abort();
  }

  /** Ends what its calls do, before the conversation goes on without their results or elsewhere; an answer goes on. */
  async settle(agent: AgentId): Promise<void> {
    const { acting } = this.ports;
    if (acting.state(agent).calls.length > 0) await acting.stop(agent);
    if (acting.state(agent).stopped === undefined) return;
    acting.forget(agent); // why it stopped is no news any more
    this.changes.fire(agent);
  }

  /** While it is held, its calls are somebody else's. */
  hold(agent: AgentId): Disposable {
    this.ports.acting.forget(agent);
    this.held.add(agent);
    return { dispose: () => this.held.delete(agent) };
  }

  /** An idle agent that nobody looks at may go to another window: not while its calls are worked on. */
  private keep(agent: AgentId, isNeeded: boolean): void {
    const kept = this.kept.get(agent);
    if (isNeeded === (kept !== undefined)) return;
    kept?.dispose();
    if (isNeeded) this.kept.set(agent, new ShownAgent(agent, this.ports.service, this.ports.onError));
    else this.kept.delete(agent);
  }

  private hear(event: ServiceEvent): void {
    if (event.type === "agent") {
      if (event.summary) this.known.set(event.id, event.summary);
      else this.known.delete(event.id);
    }
    if (event.type !== "turnStarted" || this.held.has(event.id)) return;
    const known = this.known.get(event.id);
    if (known !== undefined) this.followIfActs(event.id, known);
    else void this.lookUp(event.id);
  }

  private async lookUp(id: AgentId): Promise<void> {
    try {
      const agent = await (await this.ports.service.get()).getAgent(id, 1);
      this.known.set(id, agent);
      this.followIfActs(id, agent);
    } catch (error) {
      this.ports.onError(error);
    }
  }

  private followIfActs(id: AgentId, agent: Known): void {
    if (this.acts(agent)) this.ports.acting.follow(id).catch(this.ports.onError);
  }

  /** A delegate is followed by what forked it; an agent of another program's tools by that program. */
  private acts({ tools = [], delegateOf }: Known): boolean {
    return delegateOf === undefined && tools.some(({ name }) => isBuiltIn(name) || this.ports.hasTool(name));
  }
}
