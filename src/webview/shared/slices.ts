/** Main-thread time that one slice may take: a frame at 60 Hz has room for it. */
const sliceMs = 8;

/** Does work that is not urgent, a few milliseconds at a time, while the page is idle. */
export class Slices {
  private asked = false;

  /** `step` does one small part of the work, and returns false when none is left. */
  constructor(private readonly step: () => boolean) {}

  /** To be called when there is work. */
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
