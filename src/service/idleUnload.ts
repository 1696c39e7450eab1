import type { Disposable } from "../common/disposables";

/** Frees the model, its weights and its pool, after it was unused for a while. */
export class IdleUnload implements Disposable {
  private timer: NodeJS.Timeout | undefined;

  /** `afterMs` of 0 means never. Ignores rejections of `unload`, which must report them itself. */
  constructor(
    private readonly afterMs: number,
    private readonly unload: () => Promise<void>,
  ) {}

  /** `idle`: a model is loaded and unused from now on; otherwise it is in use or there is none. */
  setIdle(idle: boolean): void {
    clearTimeout(this.timer);
    if (!idle || this.afterMs <= 0) return;
    this.timer = setTimeout(() => void this.unload().catch(() => {}), this.afterMs);
    // The timer must not keep a program alive that has nothing else to do.
    this.timer.unref();
  }

  dispose(): void {
    clearTimeout(this.timer);
  }
}
