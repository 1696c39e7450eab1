/** Time that one slice may take on the host's thread, in ms. */
const sliceMs = 4;

/** Lets the host's thread do other work between pieces of a long one. */
export class Slices {
  private endsAt = performance.now() + sliceMs;

  /** To be called between two pieces; waits only when the slice is over. */
  async next(): Promise<void> {
    if (performance.now() < this.endsAt) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.endsAt = performance.now() + sliceMs;
  }
}
