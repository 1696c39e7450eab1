import { createHash } from "node:crypto";

/** Numbers that depend only on their seed: a case is the same in every run. */
export class Random {
  private state: number;

  constructor(...from: readonly (string | number)[]) {
    this.state = createHash("sha256").update(from.join("\n")).digest().readUInt32LE(0);
  }

  /** 0 ≤ result < 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer, 0 ≤ result < `below`. */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new RangeError("nothing to pick from");
    return item;
  }

  /** The requested number of `items`, in their order. */
  sample<T>(items: readonly T[], count: number): readonly T[] {
    if (count >= items.length) return items;
    const order = items.map((_, index) => ({ index, key: this.next() })).sort((a, b) => a.key - b.key);
    const chosen = new Set(order.slice(0, count).map(({ index }) => index));
    return items.filter((_, index) => chosen.has(index));
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)));
  }
}
