import type { BlockHasher, Clock } from "../../../src/engine/ports";

/** Keys that contain their tokens, so that a wrong key is visible. */
export class FakeHasher implements BlockHasher {
  readonly root = "root";
  /** Thrown once, by the next call. */
  failNext: Error | undefined;

  next(parent: string, tokens: Int32Array): string {
    const planned = this.failNext;
    this.failNext = undefined;
    if (planned !== undefined) throw planned;
    return `${parent}/${tokens.join(",")}`;
  }
}

export const fakeHasher = new FakeHasher();

/** Time stands still until it is moved. */
export class FakeClock implements Clock {
  /** Thrown once, by the next call. */
  failNext: Error | undefined;
  private ms = 0;

  nowMs(): number {
    const planned = this.failNext;
    this.failNext = undefined;
    if (planned !== undefined) throw planned;
    return this.ms;
  }

  advance(ms: number): void {
    this.ms += ms;
  }
}
