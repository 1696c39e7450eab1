/** Main-thread time that one slice may take: a frame at 60 Hz has room for it. */
const sliceMs = 8;

/** Does work that nobody waits for, a few milliseconds at a time, while the page has nothing else to do. */
export class Slices {
  private asked = false;

  /** `step` does one small part; false when none is left. */
  constructor(private readonly step: () => boolean) {}

  /** There is something to do. */
  request(): void {
    if (this.asked) return;
    this.asked = true;
    requestIdleCallback(() => this.run());
  }

  private run(): void {
    this.asked = false;
    const endAt = performance.now() + sliceMs;
    while (performance.now() < endAt) if (!this.step()) return;
    this.request();
  }
}
