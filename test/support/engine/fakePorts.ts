import type { BlockHasher, Clock } from "../../../src/engine/ports";

/** Keys that say what they are of, so that a wrong one is seen. */
export const fakeHasher: BlockHasher = {
  root: "root",
  next: (parent, tokens) => `${parent}/${tokens.join(",")}`,
};

/** Time stands still until it is moved. */
export class FakeClock implements Clock {
  private ms = 0;

  nowMs(): number {
    return this.ms;
  }

  advance(ms: number): void {
    this.ms += ms;
  }
}
