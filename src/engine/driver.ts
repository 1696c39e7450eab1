import type { Disposable } from "../common/disposables";
import { toErrorInfo } from "../common/errors";
import type { Log } from "../common/log";
import type { BlockPoolBatchEngine } from "./batchEngine";

/**
 * Steps an engine while it has work. The engine's `onWork` alone starts it: there are no timers.
 */
export class EngineDriver implements Disposable {
  private readonly subscription: Disposable;
  private pumping = false;
  private newWork = false;
  private disposed = false;

  constructor(
    private readonly engine: BlockPoolBatchEngine,
    private readonly log: Log,
  ) {
    this.subscription = engine.onWork(() => this.onWork());
    if (engine.hasWork) this.onWork();
  }

  dispose(): void {
    this.disposed = true;
    this.subscription.dispose();
  }

  private onWork(): void {
    this.newWork = true;
    if (!this.pumping) void this.pump();
  }

  private async pump(): Promise<void> {
    this.pumping = true;
    try {
      // Requests submitted in the same turn of the event loop go into the same batch.
      await Promise.resolve();
      while (this.newWork && !this.disposed) {
        this.newWork = false;
        while (this.engine.hasWork && !this.disposed && (await this.engine.step()).progressed);
      }
    } catch (error) {
      const { code, what } = toErrorInfo(error);
      this.log.log("error", `the engine stopped: ${code}: ${what}`);
    } finally {
      this.pumping = false;
    }
  }
}
