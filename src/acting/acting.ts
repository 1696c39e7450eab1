/** All agents that act, in one program: a loop for each, delegates, and what is made of the program's ports. */
import type { Disposable } from "../common/disposables";
import { Emitter } from "../common/events";
import type { ActingState } from "../protocol/acting";
import type { AgentId, TurnId } from "../protocol/service";
import { BuiltInTools } from "./builtInTools";
import { ForkDelegates } from "./delegates";
import type { ActingPorts, LeftQuestion, LoopPorts } from "./ports";
import { type LoopEnd, TurnLoop } from "./turnLoop";

const idle: ActingState = { calls: [] };

export class Acting implements Disposable {
  private readonly loops = new Map<AgentId, TurnLoop>();
  /** The answer that each agent began last in this program. */
  private readonly began = new Map<AgentId, TurnId>();
  private readonly emitter: Emitter<{ readonly agent: AgentId; readonly state: ActingState }>;
  private readonly listening: Disposable;
  private readonly loopPorts: LoopPorts & Pick<ActingPorts, "door">;

  constructor(
    ports: ActingPorts,
    private readonly onError: (error: unknown) => void = () => {},
  ) {
    this.emitter = new Emitter(onError);
    const delegates = new ForkDelegates(() => this.loopPorts);
    this.loopPorts = { ...ports, tools: new BuiltInTools({ ...ports, delegates }) };
    this.listening = ports.door.onEvent((event) => {
      if (event.type === "turnStarted") {
        this.began.set(event.id, event.turn);
        void this.loops.get(event.id)?.run();
      } else if (event.type === "agent" && event.summary === undefined) {
        this.began.delete(event.id);
        this.forget(event.id);
      }
    });
  }

  get onState() {
    return this.emitter.event;
  }

  state(agent: AgentId): ActingState {
    return this.loops.get(agent)?.state ?? idle;
  }

  /**
   * From now on the agent acts: what its answers call is done, until `forget`. Calls that wait since before the program was
   * started are taken up, and what changes something is asked for. Resolves when the turn at the head is over.
   */
  follow(agent: AgentId): Promise<LoopEnd> {
    return this.loopOf(agent).run();
  }

  /**
   * The agent acts again, beginning with a question that waited for the person when the program ended. Resolves when it is asked; false:
   * it cannot be, and nothing was done.
   */
  askAgain(agent: AgentId, left: LeftQuestion): Promise<boolean> {
    return this.loopOf(agent).askAgain(left);
  }

  /** After a limit: it goes on with the same turn. */
  goOn(agent: AgentId): Promise<LoopEnd> {
    return this.loopOf(agent).goOn();
  }

  /**
   * Ends what the agent does. To be awaited before a message is sent in place of results, and before a rewind: what was done is in
   * the conversation then.
   */
  async stop(agent: AgentId): Promise<void> {
    await this.loops.get(agent)?.stop();
  }

  /** It acts no more; nothing that runs is ended but questions and commands. */
  forget(agent: AgentId): void {
    this.loops.get(agent)?.dispose();
    this.loops.delete(agent);
  }

  dispose(): void {
    this.listening.dispose();
    for (const agent of [...this.loops.keys()]) this.forget(agent);
    this.emitter.dispose();
  }

  private loopOf(agent: AgentId): TurnLoop {
    const known = this.loops.get(agent);
    if (known !== undefined) return known;
    const beganHere = (turn: TurnId) => this.began.get(agent) === turn;
    const loop = new TurnLoop(agent, this.loopPorts, { beganHere, onError: this.onError });
    loop.onState((state) => this.emitter.fire({ agent, state }));
    this.loops.set(agent, loop);
    return loop;
  }
}
