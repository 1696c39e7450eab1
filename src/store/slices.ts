/** Splits long work on a shared thread: lets the event loop run other work after each slice of time. */
export class Slices {
  private startedMs = performance.now();

  constructor(private readonly sliceMs = 5) {}

  /** `undefined` while time is left in the slice: the caller need not await. */
  pause(): Promise<void> | undefined {
    if (performance.now() - this.startedMs < this.sliceMs) return undefined;
    return new Promise((resolve) => {
      setImmediate(() => {
        this.startedMs = performance.now();
        resolve();
      });
    });
  }
}
