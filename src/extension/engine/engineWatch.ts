import { type Disposable, DisposableStore } from "../../common/disposables";
import { Emitter } from "../../common/events";
import type { EngineState } from "../../protocol/service";
import type { ServiceHandle } from "./serviceHandle";

/** The engine's latest state, for everything that shows it. Starts nothing: before the core is loaded it is idle. */
export class EngineWatch implements Disposable {
  private readonly changes = new Emitter<EngineState>();
  private readonly listening = new DisposableStore();
  private latest: EngineState = { type: "idle" };

  constructor(service: ServiceHandle) {
    this.listening.add(
      service.onEvent((event) => {
        if (event.type === "engine") this.set(event.state);
      }),
    );
    this.listening.add(service.onRestart(() => this.set({ type: "idle" })));
  }

  get state(): EngineState {
    return this.latest;
  }

  get onChange() {
    return this.changes.event;
  }

  /** Takes the state from a status: events only report changes. */
  set(state: EngineState): void {
    this.latest = state;
    this.changes.fire(state);
  }

  dispose(): void {
    this.listening.dispose();
    this.changes.dispose();
  }
}
