import { blocksFor } from "./blockMath";
import type { BlockPool } from "./blockPool";
import { at, bug } from "./invariant";
import type { LiveTables } from "./liveTables";
import type { PendingCopy } from "./pendingCopy";
import { type BlockId, noBlock } from "./ports";
import type { TokenHistory } from "./tokenHistory";
import { firstBlockKept, type WindowBlocks, type WindowNeeds } from "./windowMath";

/**
 * A live sequence's blocks of the window layers. Indexed by position like its other table, but blocks that left the
 * window are released: full ones stay findable until they are reused.
 */
export class WindowTable {
  private readonly pool: BlockPool;
  private readonly geometry: WindowNeeds;
  private reservedBlocks = 0;
  private copy: PendingCopy | undefined;

  constructor(
    private readonly tables: LiveTables,
    { pool, geometry }: WindowBlocks,
    private readonly blocks: BlockId[],
    private publishedBlocks: number,
    private readonly origin: { readonly owner: string; readonly salt: string | undefined },
  ) {
    this.pool = pool;
    this.geometry = geometry;
  }

  get table(): readonly BlockId[] {
    return this.blocks;
  }

  get pendingCopy(): PendingCopy | undefined {
    return this.copy;
  }

  *heldBlocks(): Generator<BlockId> {
    for (const block of this.blocks) if (block !== noBlock) yield block;
    if (this.copy !== undefined) yield this.copy.from;
  }

  /** Puts found blocks, whose references the caller has taken, into the table; blocks before them are not needed. */
  adopt(found: readonly { readonly index: number; readonly block: BlockId }[], numTokens: number): void {
    while (this.blocks.length < blocksFor(numTokens, this.pool.blockTokens)) this.blocks.push(noBlock);
    for (const { index, block } of found) this.blocks[index] = block;
    this.publishedBlocks = Math.floor(numTokens / this.pool.blockTokens);
  }

  lackingFor(slots: number): number {
    return Math.max(0, blocksFor(slots, this.pool.blockTokens) - this.blocks.length - this.reservedBlocks);
  }

  /**
   * Reserves the blocks lacking for `slots`, dropping idle caches' windows if needed; returns how many it did not get.
   */
  secure(slots: number): number {
    const lacking = this.lackingFor(slots);
    if (lacking === 0) return 0;
    this.tables.dropIdleWindows(lacking);
    if (!this.pool.canReserve(lacking)) return lacking - this.pool.availableBlocks;
    this.pool.reserve(lacking);
    this.reservedBlocks += lacking;
    return 0;
  }

  /** Extends the table to cover `slots` token positions, out of the reservation. */
  grow(slots: number): void {
    const missing = blocksFor(slots, this.pool.blockTokens) - this.blocks.length;
    if (missing > 0) this.blocks.push(...this.take(missing, this.blocks.at(-1)));
  }

  /** Makes the block of token `numTokens` writable: a shared block is replaced with a copy, which the runner makes. */
  makeTailWritable(numTokens: number): void {
    const { blockTokens } = this.pool;
    const index = Math.floor(numTokens / blockTokens);
    const from = this.blocks[index];
    if (numTokens % blockTokens === 0 || from === undefined || this.pool.isWritable(from)) return;
    const to = at(this.pool.allocate(1, this.blocks[index - 1]), 0);
    this.blocks[index] = to;
    this.copy = { from, to, tokens: numTokens % blockTokens };
  }

  copied(): void {
    if (this.copy === undefined) throw bug("a copy ended that was never started");
    const { from } = this.copy;
    this.copy = undefined;
    this.pool.release(from);
  }

  /**
   * Counts the first `numTokens` tokens as computed: full blocks become findable; blocks outside the window are
   * released.
   */
  advance(numTokens: number, history: TokenHistory): void {
    const full = Math.floor(numTokens / this.pool.blockTokens);
    for (; this.publishedBlocks < full; this.publishedBlocks += 1) {
      const block = at(this.blocks, this.publishedBlocks);
      if (block !== noBlock) this.pool.publish(block, history.keyOf(this.publishedBlocks));
    }
    const kept = firstBlockKept(numTokens, this.geometry, this.pool.blockTokens);
    for (let index = kept - 1; index >= 0 && this.blocks[index] !== noBlock; index -= 1)
      this.releaseLeft(index, history);
  }

  truncate(numTokens: number): void {
    this.publishedBlocks = Math.min(this.publishedBlocks, Math.floor(numTokens / this.pool.blockTokens));
  }

  /** Ends it and returns the blocks of the first `numTokens` tokens, with their references. */
  moveOut(numTokens: number): BlockId[] {
    const kept = blocksFor(numTokens, this.pool.blockTokens);
    this.pool.releaseFrom(this.blocks, kept);
    this.blocks.length = Math.min(this.blocks.length, kept);
    this.pool.cancelReserved(this.reservedBlocks);
    this.reservedBlocks = 0;
    return this.blocks;
  }

  private releaseLeft(index: number, history: TokenHistory): void {
    const block = at(this.blocks, index);
    this.blocks[index] = noBlock;
    const { owner, salt } = this.origin;
    this.tables.releaseLeftBlock({ owner, salt, block, ...history.blockAt(index) });
  }

  private take(count: number, after: BlockId | undefined): readonly BlockId[] {
    if (count > this.reservedBlocks) {
      throw bug("a sequence took more blocks than it reserved", { count, reserved: this.reservedBlocks });
    }
    this.reservedBlocks -= count;
    return this.pool.allocateReserved(count, after === noBlock ? undefined : after);
  }
}
