import { type Disposable, DisposableStore } from "../../common/disposables";
import type { ActingState } from "../../protocol/acting";
import type { ActingCommand, ActingSnapshot, ActingUpdate } from "../../protocol/chatActing";
import type { AgentId, AgentSummary } from "../../protocol/service";
import type { RewindPorts } from "./rewinding";
import type { TurnFactsOf } from "./turnFacts";
import type { WorkspaceActing } from "./workspaceActing";

/** What the page of one agent shows and says about acting. */
export class PanelActing implements Disposable {
  private readonly store = new DisposableStore();
  private told: ActingState | undefined;

  constructor(
    private readonly agent: AgentId,
    private readonly acting: WorkspaceActing,
    private readonly post: (update: ActingUpdate) => void,
  ) {
    this.store.add(
      acting.onUpdate(agent, (update) => {
        if (update.type === "acting") this.told = update.state;
        post(update);
      }),
    );
  }

  dispose(): void {
    this.store.dispose();
  }

  snapshot(agent: AgentSummary): ActingSnapshot {
    const snapshot = this.acting.snapshot(agent);
    this.told = snapshot.acting;
    return snapshot;
  }

  /** The agent's summary has changed: it may wait for results now, with nothing that works on them. */
  note(agent: AgentSummary): void {
    const { acting: state } = this.acting.snapshot(agent);
    if (state === undefined || JSON.stringify(state) === JSON.stringify(this.told)) return;
    this.told = state;
    this.post({ type: "acting", state });
  }

  get facts(): TurnFactsOf {
    return this.acting.factsOf(this.agent);
  }

  get rewinding(): RewindPorts {
    return this.acting.rewinding;
  }

  load(): Promise<void> {
    return this.acting.load(this.agent);
  }

  handle(command: ActingCommand): Promise<void> {
    return this.acting.handle(this.agent, command);
  }

  stop(): Promise<void> {
    return this.acting.stop(this.agent);
  }

  settle(): Promise<void> {
    return this.acting.agents.settle(this.agent);
  }
}
