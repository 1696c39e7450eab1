import { FreeRuns } from "./freeRuns";
import { at, bug } from "./invariant";
import { type BlockId, noBlock, type PoolGeometry } from "./ports";
import { ReusableList } from "./reusableList";

export interface BlockPoolOptions {
  /** The lowest id; ids are firstBlock … firstBlock + totalBlocks − 1. */
  readonly firstBlock?: number;
  /** Checks every invariant after every operation, in O(total): for tests. */
  readonly checked?: boolean;
}

/**
 * Owns the ids of the pool's blocks, their reference counts, and the index from content keys to blocks. A block is in
 * exactly one state:
 *
 * - referenced: in one or more tables;
 * - reusable: in no table, but its contents are still findable by key. It is taken for other contents only when no
 *   block is free, the least recently used first;
 * - free.
 *
 * Reservations are a number, not ids: that many of the free and reusable blocks are promised to their reservers. Every
 * operation is O(blocks that it names). Misuse (releasing a block that nobody holds …) throws INTERNAL and changes
 * nothing.
 */
export class BlockPool {
  readonly totalBlocks: number;
  readonly firstBlock: number;
  readonly blockTokens: number;
  private readonly free: FreeRuns;
  private readonly reusable: ReusableList;
  private readonly refCounts: Uint32Array;
  private readonly keys: (string | undefined)[];
  private readonly blockOfKey = new Map<string, BlockId>();
  private readonly checked: boolean;
  private numReserved = 0;
  private contentsEpoch = 0;

  constructor(geometry: Pick<PoolGeometry, "totalBlocks" | "blockTokens">, options: BlockPoolOptions = {}) {
    this.totalBlocks = geometry.totalBlocks;
    this.blockTokens = geometry.blockTokens;
    this.firstBlock = options.firstBlock ?? 0;
    const end = this.endBlock;
    this.free = new FreeRuns(end, this.firstBlock);
    this.reusable = new ReusableList(end);
    this.refCounts = new Uint32Array(end);
    this.keys = new Array<string | undefined>(end).fill(undefined);
    this.checked = options.checked ?? false;
  }

  get endBlock(): number {
    return this.firstBlock + this.totalBlocks;
  }

  get freeBlocks(): number {
    return this.free.count;
  }

  get reusableBlocks(): number {
    return this.reusable.count;
  }

  get referencedBlocks(): number {
    return this.totalBlocks - this.free.count - this.reusable.count;
  }

  get reservedBlocks(): number {
    return this.numReserved;
  }

  /** Blocks that can be allocated now without using reserved ones. */
  get availableBlocks(): number {
    return this.free.count + this.reusable.count - this.numReserved;
  }

  /** Number of times that all contents became unknown. */
  get epoch(): number {
    return this.contentsEpoch;
  }

  refCount(block: BlockId): number {
    return at(this.refCounts, block);
  }

  keyOf(block: BlockId): string | undefined {
    return this.keys[block];
  }

  /** The only holder of a block may write it while nobody can find it by key. */
  isWritable(block: BlockId): boolean {
    return this.refCount(block) === 1 && this.keys[block] === undefined;
  }

  /**
   * Takes `count` blocks, each with reference count 1: the blocks right after `after` where these are free, else long
   * runs. The caller has checked `availableBlocks`.
   */
  allocate(count: number, after?: BlockId): BlockId[] {
    if (count > this.availableBlocks) {
      throw bug("more blocks were taken than are available", { count, available: this.availableBlocks });
    }
    const blocks = this.takeBlocks(count, after);
    this.check();
    return blocks;
  }

  canReserve(count: number): boolean {
    return count <= this.availableBlocks;
  }

  reserve(count: number): void {
    if (!this.canReserve(count)) {
      throw bug("more blocks were reserved than are available", { count, available: this.availableBlocks });
    }
    this.numReserved += count;
    this.check();
  }

  /** As `allocate`, out of the reservation: cannot fail. */
  allocateReserved(count: number, after?: BlockId): BlockId[] {
    if (count > this.numReserved) {
      throw bug("more blocks were taken than were reserved", { count, reserved: this.numReserved });
    }
    const blocks = this.takeBlocks(count, after);
    this.numReserved -= count;
    this.check();
    return blocks;
  }

  cancelReserved(count: number): void {
    if (count > this.numReserved) {
      throw bug("more reserved blocks were cancelled than exist", { count, reserved: this.numReserved });
    }
    this.numReserved -= count;
    this.check();
  }

  /** Retaining a reusable block uses up an available one; retaining a referenced block does not. */
  canRetain(block: BlockId): boolean {
    return this.refCount(block) > 0 || (this.reusable.has(block) && this.availableBlocks > 0);
  }

  retain(block: BlockId): void {
    if (!this.canRetain(block)) throw bug("a block was retained that is free or reserved", { block });
    if (this.refCount(block) === 0) this.reusable.remove(block);
    this.refCounts[block] = this.refCount(block) + 1;
    this.check();
  }

  release(block: BlockId): void {
    const count = this.refCount(block);
    if (count === 0) throw bug("a block was released that nobody holds", { block });
    this.refCounts[block] = count - 1;
    if (count === 1) {
      if (this.keys[block] === undefined) this.free.add(block);
      else this.reusable.addMostRecent(block);
    }
    this.check();
  }

  /**
   * Releases the blocks from index `from` to the table's end, the last first: a chain's tail is reused before its head.
   */
  releaseFrom(table: readonly BlockId[], from: number): void {
    for (let index = table.length - 1; index >= from; index -= 1) {
      const block = at(table, index);
      if (block !== noBlock) this.release(block);
    }
  }

  /**
   * Makes a full block that the caller holds findable under `key`. Where another block has the key already, that block
   * keeps the key if it is referenced, and is freed otherwise. Returns the block that has the key now.
   */
  publish(block: BlockId, key: string): BlockId {
    if (this.refCount(block) === 0) throw bug("a block was published that nobody holds", { block });
    if (this.keys[block] !== undefined && this.keys[block] !== key) {
      throw bug("a block was published under two keys", { block });
    }
    const known = this.blockOfKey.get(key);
    if (known !== undefined && known !== block) {
      if (this.refCount(known) > 0) return known;
      this.moveToFree(known);
    }
    this.keys[block] = key;
    this.blockOfKey.set(key, block);
    this.check();
    return block;
  }

  /** Removes a block's key so that its only holder can write it. */
  unpublish(block: BlockId): void {
    if (this.refCount(block) !== 1) throw bug("a block was unpublished that has no holder or several", { block });
    this.dropKey(block);
    this.check();
  }

  /** The block that is findable under `key`, referenced or reusable. */
  lookup(key: string): BlockId | undefined {
    return this.blockOfKey.get(key);
  }

  /**
   * Marks the contents of all blocks as unknown: nothing is findable and reusable blocks become free. References stay.
   */
  forgetContents(): void {
    this.contentsEpoch += 1;
    for (const block of [...this.blockOfKey.values()]) {
      if (this.refCount(block) === 0) this.moveToFree(block);
      else this.dropKey(block);
    }
    this.check();
  }

  stateOf(block: BlockId): "referenced" | "reusable" | "free" {
    if (this.refCount(block) > 0) return "referenced";
    return this.reusable.has(block) ? "reusable" : "free";
  }

  /** Least recently used first; for checks and tests. */
  reusableInOrder(): readonly BlockId[] {
    return [...this.reusable.inOrder()];
  }

  /** Throws unless every block is in exactly one state and keys, lists and counts agree. O(total). */
  assertInvariants(): void {
    this.free.assertInvariants();
    for (let block = this.firstBlock; block < this.endBlock; block += 1) {
      const states = [this.refCount(block) > 0, this.reusable.has(block), this.free.has(block)];
      if (states.filter(Boolean).length !== 1) throw bug("a block is in no state or in several", { block });
      const key = this.keys[block];
      if (key !== undefined && this.blockOfKey.get(key) !== block) throw bug("a key names another block", { block });
      if (this.reusable.has(block) !== (key !== undefined && this.refCount(block) === 0)) {
        throw bug("a reusable block cannot be found, or a findable one is not reusable", { block });
      }
    }
    const keyed = this.keys.filter((key) => key !== undefined).length;
    if (keyed !== this.blockOfKey.size) throw bug("a key names a block that does not have it", { keyed });
    if ([...this.reusable.inOrder()].length !== this.reusable.count) throw bug("reusable blocks do not add up");
    if (this.numReserved < 0 || this.availableBlocks < 0) {
      throw bug("more blocks are reserved than exist", { reserved: this.numReserved, available: this.availableBlocks });
    }
  }

  private takeBlocks(count: number, after: BlockId | undefined): BlockId[] {
    while (this.free.count < count) this.evictOne();
    const blocks: BlockId[] = [];
    if (after !== undefined) this.hold(this.free.takeAt(after + 1, count), blocks);
    while (blocks.length < count) this.hold(this.free.take(count - blocks.length), blocks);
    return blocks;
  }

  private hold(run: { readonly start: BlockId; readonly count: number }, into: BlockId[]): void {
    for (let block = run.start; block < run.start + run.count; block += 1) {
      this.refCounts[block] = 1;
      into.push(block);
    }
  }

  private evictOne(): void {
    const block = this.reusable.leastRecent();
    if (block === undefined) throw bug("no block is left to reuse");
    this.moveToFree(block);
  }

  /** reusable → free */
  private moveToFree(block: BlockId): void {
    this.reusable.remove(block);
    this.dropKey(block);
    this.free.add(block);
  }

  private dropKey(block: BlockId): void {
    const key = this.keys[block];
    if (key !== undefined) this.blockOfKey.delete(key);
    this.keys[block] = undefined;
  }

  private check(): void {
    if (this.checked) this.assertInvariants();
  }
}
