import type { LoopPorts } from "../../acting/ports";
import { TurnLoop } from "../../acting/turnLoop";
import type { Disposable } from "../../common/disposables";
import { InvalidRequestError } from "../../common/errors";
import { Emitter } from "../../common/events";
import type { ActingUpdate, WaysState } from "../../protocol/chatActing";
import type { AgentId, TurnId } from "../../protocol/service";
import type { ServiceHandle } from "../engine/serviceHandle";
import type { ActingAgents } from "./actingAgents";
import type { KeptWays } from "./keptWays";
import { type WaysPorts, WaysRun } from "./waysRun";

export interface WaysOfAgentsPorts {
  readonly service: Pick<ServiceHandle, "get">;
  readonly agents: Pick<ActingAgents, "hold">;
  readonly loop: LoopPorts;
  readonly kept: KeptWays;
  readonly language: string;
  readonly onError: (error: unknown) => void;
}

/** Which agents answer a message in several ways at the moment. */
export class WaysOfAgents implements Disposable {
  private readonly runs = new Map<AgentId, { readonly run: WaysRun; readonly held: Disposable }>();
  private readonly updates = new Emitter<{ readonly agent: AgentId; readonly update: ActingUpdate }>();

  /** For the pages of the agent. */
  readonly onUpdate = this.updates.event;

  constructor(private readonly ports: WaysOfAgentsPorts) {}

  stateOf(agent: AgentId): WaysState | undefined {
    return this.runs.get(agent)?.run.state;
  }

  /** Answers the message of `turn` in `count` ways. Resolves when they are under way. */
  async begin(agent: AgentId, turn: TurnId, count: number): Promise<void> {
    if (this.runs.has(agent))
      throw new InvalidRequestError("it answers in several ways already", "choose one of them first");
    const held = this.ports.agents.hold(agent);
    try {
      const run = await WaysRun.begin(agent, turn, count, await this.portsOf(agent));
      this.runs.set(agent, { run, held });
      this.ports.kept.set(agent, run.forks);
      this.updates.fire({ agent, update: { type: "ways", ways: run.state } });
    } catch (error) {
      held.dispose();
      throw error;
    }
  }

  /** Shows the ways of an agent again that a window before this one left. */
  async resume(agent: AgentId): Promise<void> {
    const { kept } = this.ports;
    const forks = kept.forksOf(agent);
    if (forks.length === 0 || this.runs.has(agent)) return;
    const run = await WaysRun.resume(agent, forks, await this.portsOf(agent));
    if (run === undefined) kept.set(agent, []);
    else if (this.runs.has(agent)) run.dispose();
    else this.runs.set(agent, { run, held: this.ports.agents.hold(agent) });
  }

  async choose(agent: AgentId, way: number): Promise<void> {
    await this.resume(agent);
    const known = this.runs.get(agent);
    if (known === undefined)
      throw new InvalidRequestError("it does not answer in several ways", "ask it for some first");
    await known.run.choose(way);
    this.forget(agent);
  }

  async stop(agent: AgentId): Promise<void> {
    await this.runs.get(agent)?.run.stop();
  }

  /** One was chosen, or the agent is gone. */
  forget(agent: AgentId): void {
    this.end(agent);
    this.ports.kept.set(agent, []);
  }

  private end(agent: AgentId): void {
    const known = this.runs.get(agent);
    known?.run.dispose();
    known?.held.dispose();
    this.runs.delete(agent);
  }

  dispose(): void {
    for (const agent of [...this.runs.keys()]) this.end(agent);
    this.updates.dispose();
  }

  private async portsOf(agent: AgentId): Promise<WaysPorts> {
    const { service, language, onError } = this.ports;
    const tell = (update: ActingUpdate) => this.updates.fire({ agent, update });
    return {
      ...{ door: await service.get(), language, onError },
      follow: (id) => this.follow(id),
      onState: (ways) => tell({ type: "ways", ...(ways && { ways }) }),
      onProgress: (way, progress) => tell({ type: "wayProgress", way, progress }),
      onText: (way, delta) => tell({ type: "wayText", way, delta }),
    };
  }

  /** Several answers must not change the same files: each may look, and says what it would do. */
  private async follow(agent: AgentId): Promise<void> {
    const loop = new TurnLoop(agent, this.ports.loop, { readsOnly: true, onError: this.ports.onError });
    try {
      await loop.run();
    } finally {
      loop.dispose();
    }
  }
}
