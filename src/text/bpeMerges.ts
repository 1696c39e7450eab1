import { pairHash } from "./pairSet";

/** A symbol is an id of the vocabulary, or a number above it for a text without an id. */

/**
 * Rank and result of each pair of symbols that merges: a hash table in typed arrays, since it is asked for every pair.
 */
export class MergeTable {
  private readonly lefts: Int32Array;
  private readonly rights: Int32Array;
  private readonly ranks: Int32Array;
  private readonly merged: Int32Array;
  private readonly mask: number;

  constructor(capacity: number) {
    const size = 2 ** Math.ceil(Math.log2(Math.max(2, 2 * capacity)));
    this.mask = size - 1;
    this.lefts = new Int32Array(size).fill(-1);
    this.rights = new Int32Array(size);
    this.ranks = new Int32Array(size);
    this.merged = new Int32Array(size);
  }

  /** A pair that is named twice has its last rank. */
  set(left: number, right: number, rank: number, merged: number): void {
    let slot = pairHash(left, right) & this.mask;
    while (this.lefts[slot] !== -1 && !this.holds(slot, left, right)) slot = (slot + 1) & this.mask;
    this.lefts[slot] = left;
    this.rights[slot] = right;
    this.ranks[slot] = rank;
    this.merged[slot] = merged;
  }

  /** Index of the pair in the table; −1: these two do not merge. */
  find(left: number, right: number): number {
    if (left < 0 || right < 0) return -1;
    let slot = pairHash(left, right) & this.mask;
    while (this.lefts[slot] !== -1) {
      if (this.holds(slot, left, right)) return slot;
      slot = (slot + 1) & this.mask;
    }
    return -1;
  }

  rankAt(slot: number): number {
    return this.ranks[slot] ?? 0;
  }

  mergedAt(slot: number): number {
    return this.merged[slot] ?? -1;
  }

  private holds(slot: number, left: number, right: number): boolean {
    return this.lefts[slot] === left && this.rights[slot] === right;
  }
}
