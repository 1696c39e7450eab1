/** A set of pairs of whole numbers from 0 up: a hash table in typed arrays, since it is asked for every character. */
export class PairSet {
  private firsts = new Int32Array(1024).fill(-1);
  private seconds = new Int32Array(1024);
  private count = 0;

  add(first: number, second: number): void {
    const slot = this.slotOf(first, second);
    if (this.firsts[slot] !== -1) return;
    this.firsts[slot] = first;
    this.seconds[slot] = second;
    this.count += 1;
    if (2 * this.count > this.firsts.length) this.grow();
  }

  has(first: number, second: number): boolean {
    return this.firsts[this.slotOf(first, second)] !== -1;
  }

  /** Where the pair is, or would be. */
  private slotOf(first: number, second: number): number {
    const mask = this.firsts.length - 1;
    let slot = pairHash(first, second) & mask;
    while (this.firsts[slot] !== -1 && !(this.firsts[slot] === first && this.seconds[slot] === second)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private grow(): void {
    const { firsts, seconds } = this;
    this.firsts = new Int32Array(4 * firsts.length).fill(-1);
    this.seconds = new Int32Array(4 * firsts.length);
    for (const [index, first] of firsts.entries()) {
      if (first === -1) continue;
      const slot = this.slotOf(first, seconds[index] ?? 0);
      this.firsts[slot] = first;
      this.seconds[slot] = seconds[index] ?? 0;
    }
  }
}

export function pairHash(first: number, second: number): number {
  const mixed = Math.imul(first, 0x9e3779b1) ^ Math.imul(second + 0x7f4a7c15, 0x85ebca6b);
  return mixed ^ (mixed >>> 15);
}
