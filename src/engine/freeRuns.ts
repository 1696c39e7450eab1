import { at, bug } from "./invariant";
import type { BlockId } from "./ports";

const none = -1;
/** Most runs of one size class that are searched for a long enough one: bounds the work. */
const maxRunsLookedAt = 8;

/** Half-open: blocks start … start + count − 1. */
export interface BlockRun {
  readonly start: BlockId;
  readonly count: number;
}

/**
 * The free blocks, as maximal runs of adjacent ids. Every operation takes constant time whatever the pool's size: a
 * run's length is stored at both ends, so a returned block joins its neighbours at once (boundary tags, Knuth TAOCP
 * 2.5), and runs are in lists by the power of two of their length (segregated fits, Masmano's TLSF).
 */
export class FreeRuns {
  private readonly isFree: Uint8Array;
  /** Valid at a run's first block. */
  private readonly lengthAt: Int32Array;
  /** Valid at a run's last block. */
  private readonly startAt: Int32Array;
  /** Links of the size class lists, valid at a run's first block. */
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  private readonly heads = new Int32Array(32).fill(none);
  /** Bit c is set when class c has a run. */
  private nonEmptyClasses = 0;
  private numFree = 0;

  /** Ids firstBlock … endBlock − 1, all free. */
  constructor(
    private readonly endBlock: number,
    private readonly firstBlock = 0,
  ) {
    this.isFree = new Uint8Array(endBlock).fill(1, firstBlock);
    this.lengthAt = new Int32Array(endBlock);
    this.startAt = new Int32Array(endBlock);
    this.next = new Int32Array(endBlock);
    this.previous = new Int32Array(endBlock);
    this.numFree = endBlock - firstBlock;
    if (this.numFree > 0) this.link(firstBlock, this.numFree);
  }

  get count(): number {
    return this.numFree;
  }

  has(block: BlockId): boolean {
    return this.isFree[block] === 1;
  }

  /** Returns one block. */
  add(block: BlockId): void {
    if (this.isFree[block] !== 0) throw bug("a block was freed that is free already or does not exist", { block });
    let start = block;
    let end = block + 1;
    if (this.isFree[block - 1] === 1) {
      start = at(this.startAt, block - 1);
      this.unlink(start);
    }
    if (this.isFree[block + 1] === 1) {
      end = block + 1 + at(this.lengthAt, block + 1);
      this.unlink(block + 1);
    }
    this.isFree[block] = 1;
    this.numFree += 1;
    this.link(start, end - start);
  }

  /** Takes up to `count` blocks from `start` on, which follows a used block; a run of 0 when `start` is not free. */
  takeAt(start: BlockId, count: number): BlockRun {
    if (this.isFree[start] !== 1) return { start, count: 0 };
    const length = at(this.lengthAt, start);
    return this.cut(start, length, start, Math.min(count, length));
  }

  /**
   * Takes `count` adjacent blocks when a long enough run is found quickly, else the longest run seen. The rest of the
   * run is left on both sides, so that the table that ends before the run and the new table can both grow.
   */
  take(count: number): BlockRun {
    const start = this.longRun(count);
    const length = at(this.lengthAt, start);
    if (length <= count) return this.cut(start, length, start, length);
    const before = start === this.firstBlock ? 0 : (length - count) >>> 1;
    return this.cut(start, length, start + before, count);
  }

  /** Free runs in id order; O(total), for views and checks. */
  *runs(): Generator<BlockRun> {
    for (let block = this.firstBlock; block < this.endBlock; ) {
      const count = this.has(block) ? at(this.lengthAt, block) : 0;
      if (count > 0) yield { start: block, count };
      block += Math.max(1, count);
    }
  }

  /** Throws unless runs are maximal, tagged at both ends, listed once, and add up. O(total). */
  assertInvariants(): void {
    const listed = new Set<BlockId>();
    for (let sizeClass = 0; sizeClass < 32; sizeClass += 1) {
      for (let run = at(this.heads, sizeClass); run !== none; run = at(this.next, run)) {
        if (sizeClassOf(at(this.lengthAt, run)) !== sizeClass) throw bug("a free run is in the wrong list", { run });
        listed.add(run);
      }
      const marked = ((this.nonEmptyClasses >>> sizeClass) & 1) === 1;
      if (marked !== (this.heads[sizeClass] !== none)) throw bug("a size class is marked wrongly", { sizeClass });
    }
    let free = 0;
    let runs = 0;
    for (const { start, count } of this.runs()) {
      free += count;
      runs += 1;
      const end = start + count;
      if (!listed.has(start) || this.startAt[end - 1] !== start || this.isFree[end] === 1) {
        throw bug("a free run is not tagged, listed or maximal", { start, count });
      }
      for (let block = start; block < end; block += 1)
        if (!this.has(block)) throw bug("a used block is free", { block });
    }
    if (free !== this.numFree || runs !== listed.size) throw bug("free runs do not add up", { free, runs });
  }

  private longRun(count: number): BlockId {
    if (this.nonEmptyClasses === 0) throw bug("a free block was requested when there is none");
    const longestClass = 31 - Math.clz32(this.nonEmptyClasses);
    let longest = at(this.heads, longestClass);
    let run = longest;
    for (let seen = 0; seen < maxRunsLookedAt && run !== none; seen += 1) {
      if (at(this.lengthAt, run) >= count) return run;
      if (at(this.lengthAt, run) > at(this.lengthAt, longest)) longest = run;
      run = at(this.next, run);
    }
    return longest;
  }

  /** Takes [from, from + count) out of the run at `start` and links the rest on both sides. */
  private cut(start: BlockId, length: number, from: BlockId, count: number): BlockRun {
    this.unlink(start);
    this.isFree.fill(0, from, from + count);
    this.numFree -= count;
    if (from > start) this.link(start, from - start);
    const end = from + count;
    if (end < start + length) this.link(end, start + length - end);
    return { start: from, count };
  }

  private link(start: BlockId, length: number): void {
    const sizeClass = sizeClassOf(length);
    const head = at(this.heads, sizeClass);
    this.lengthAt[start] = length;
    this.startAt[start + length - 1] = start;
    this.next[start] = head;
    this.previous[start] = none;
    if (head !== none) this.previous[head] = start;
    this.heads[sizeClass] = start;
    this.nonEmptyClasses |= 1 << sizeClass;
  }

  private unlink(start: BlockId): void {
    const sizeClass = sizeClassOf(at(this.lengthAt, start));
    const next = at(this.next, start);
    const previous = at(this.previous, start);
    if (next !== none) this.previous[next] = previous;
    if (previous !== none) this.next[previous] = next;
    else {
      this.heads[sizeClass] = next;
      if (next === none) this.nonEmptyClasses &= ~(1 << sizeClass);
    }
  }
}

function sizeClassOf(length: number): number {
  return 31 - Math.clz32(length);
}
