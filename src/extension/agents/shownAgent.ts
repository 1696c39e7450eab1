import { type Disposable, DisposableStore } from "../../common/disposables";
import type { AgentId, ResidentService } from "../../protocol/service";
import type { ServiceHandle } from "../engine/serviceHandle";
import { TaskQueue } from "../pages/taskQueue";

/** Tells the core that an agent is shown to a person, until it is disposed. A core that replaces another is told too. */
export class ShownAgent implements Disposable {
  private readonly store = new DisposableStore();
  private readonly queue: TaskQueue;
  private told: ResidentService | undefined;

  constructor(
    private readonly agent: AgentId,
    private readonly service: Pick<ServiceHandle, "get" | "onRestart">,
    onError: (error: unknown) => void,
  ) {
    this.queue = new TaskQueue(onError);
    this.store.add(service.onRestart(() => this.tell()));
    this.tell();
  }

  dispose(): void {
    this.store.dispose();
    this.queue.add(async () => this.told?.setShown(this.agent, false));
  }

  private tell(): void {
    this.queue.add(async () => {
      const door = await this.service.get();
      if (this.told === door) return;
      this.told = door;
      await door.setShown(this.agent, true);
    });
  }
}
