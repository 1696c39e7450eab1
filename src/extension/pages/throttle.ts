import type { Disposable } from "../../common/disposables";

/** One frame at 60 Hz: faster than this nobody sees. */
export const frameMs = 16;

/** Runs `work` at most once in `periodMs`, however often it is requested. The first request waits a whole period. */
export class Throttle implements Disposable {
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly periodMs: number,
    private readonly work: () => void,
  ) {}

  request(): void {
    this.timer ??= setTimeout(() => this.flush(), this.periodMs);
  }

  /** Runs `work` now if a request waits. */
  flush(): void {
    if (this.timer === undefined) return;
    this.dispose();
    this.work();
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}
