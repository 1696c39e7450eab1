import type { Disposable } from "../common/disposables";

/** Frees the model when nobody has used it for a while: its weights and its pool go back to the system. */
export class IdleUnload implements Disposable {
  private timer: NodeJS.Timeout | undefined;

  /** `afterMs` of 0 means never. What `unload` rejects with is its own caller's to tell. */
  constructor(
    private readonly afterMs: number,
    private readonly unload: () => Promise<void>,
  ) {}

  /** A model is loaded that nobody uses from now on, or somebody does, or there is none. */
  setIdle(idle: boolean): void {
    clearTimeout(this.timer);
    if (!idle || this.afterMs <= 0) return;
    this.timer = setTimeout(() => void this.unload().catch(() => {}), this.afterMs);
    // A program that has nothing else to do may end.
    this.timer.unref();
  }

  dispose(): void {
    clearTimeout(this.timer);
  }
}
