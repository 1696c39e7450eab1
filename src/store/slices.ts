/** Long work on a thread that others need: it lets the event loop turn whenever a slice of time is used up. */
export class Slices {
  private startedMs = performance.now();

  constructor(private readonly sliceMs = 5) {}

  /** `undefined` while the slice is not used up: nothing needs to be awaited then. */
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
