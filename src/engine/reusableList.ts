import { at, bug } from "./invariant";
import type { BlockId } from "./ports";

/**
 * Unreferenced blocks whose contents can still be found, in order of last use. A doubly linked list in typed arrays:
 * adding, removing and taking the oldest are a few writes each.
 */
export class ReusableList {
  /** Index `sentinel` closes the ring: its next is the least recently used block, its previous the most recent. */
  private readonly sentinel: number;
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  private readonly listed: Uint8Array;
  private numBlocks = 0;

  constructor(totalBlocks: number) {
    this.sentinel = totalBlocks;
    this.next = new Int32Array(totalBlocks + 1);
    this.previous = new Int32Array(totalBlocks + 1);
    this.listed = new Uint8Array(totalBlocks);
    this.next[this.sentinel] = this.sentinel;
    this.previous[this.sentinel] = this.sentinel;
  }

  get count(): number {
    return this.numBlocks;
  }

  has(block: BlockId): boolean {
    return this.listed[block] === 1;
  }

  addMostRecent(block: BlockId): void {
    if (this.listed[block] !== 0) throw bug("a block was listed as reusable twice, or does not exist", { block });
    const last = at(this.previous, this.sentinel);
    this.next[last] = block;
    this.previous[block] = last;
    this.next[block] = this.sentinel;
    this.previous[this.sentinel] = block;
    this.listed[block] = 1;
    this.numBlocks += 1;
  }

  remove(block: BlockId): void {
    if (!this.has(block)) throw bug("a block was removed from the reusable blocks that is not one of them", { block });
    const next = at(this.next, block);
    const previous = at(this.previous, block);
    this.next[previous] = next;
    this.previous[next] = previous;
    this.listed[block] = 0;
    this.numBlocks -= 1;
  }

  leastRecent(): BlockId | undefined {
    return this.numBlocks === 0 ? undefined : at(this.next, this.sentinel);
  }

  /** Least recently used first; for checks and tests. */
  *inOrder(): Generator<BlockId> {
    for (let block = at(this.next, this.sentinel); block !== this.sentinel; block = at(this.next, block)) yield block;
  }
}
