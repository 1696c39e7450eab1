import { AgentBlocks } from "./agentBlocks";
import { blocksFor } from "./blockMath";
import type { BlockPool } from "./blockPool";
import { at, bug } from "./invariant";
import type { BlockHolder, LiveTables } from "./liveTables";
import type { PendingCopy } from "./pendingCopy";
import type { BlockId } from "./ports";
import type { TokenHistory } from "./tokenHistory";
import { WindowTable } from "./windowTable";

/**
 * A live cache: a growing block table, its tokens, and how many of them are computed. It holds one reference to each
 * block of its table and a reservation for blocks that it may still need.
 */
export class Sequence implements BlockHolder {
  readonly owner: string;
  private readonly salt: string | undefined;
  private readonly epoch: number;
  private readonly blocks: BlockId[];
  /** The table of the window layers, where these have blocks of their own. */
  readonly window: WindowTable | undefined;
  private readonly pool: BlockPool;
  private computedTokens: number;
  private publishedBlocks: number;
  private reservedBlocks = 0;
  private copy: PendingCopy | undefined;
  /** Indexes of full blocks whose key another block already had. */
  private readonly duplicates: number[] = [];
  private ended = false;

  /**
   * AgentBlocks → live sequence: moves the table and copies no block, O(blocks). `history` begins with the blocks'
   * tokens and may be longer. Ends the handle.
   */
  static reconstruct(tables: LiveTables, blocks: AgentBlocks, history: TokenHistory): Sequence {
    return new Sequence(tables, blocks, history);
  }

  private constructor(
    private readonly tables: LiveTables,
    blocks: AgentBlocks,
    readonly history: TokenHistory,
  ) {
    const contents = blocks.moveOut();
    this.pool = tables.pool;
    this.owner = contents.owner;
    this.salt = contents.salt;
    this.epoch = contents.epoch;
    this.blocks = contents.table;
    this.computedTokens = contents.tokenIds.length;
    this.publishedBlocks = contents.keys.length;
    this.window =
      tables.window && new WindowTable(tables, tables.window, contents.windowTable, this.publishedBlocks, contents);
    tables.add(this);
  }

  get table(): readonly BlockId[] {
    return this.blocks;
  }

  get numComputedTokens(): number {
    return this.computedTokens;
  }

  /** Tokens that are known but not computed: the rest of the prompt, or the token sampled last. */
  get numPendingTokens(): number {
    return this.history.length - this.computedTokens;
  }

  /** Copies that the runner must make before it computes tokens of this sequence. */
  get pendingCopies(): readonly PendingCopy[] {
    return [this.copy, this.window?.pendingCopy].filter((copy) => copy !== undefined);
  }

  *heldBlocks(): Generator<BlockId> {
    yield* this.blocks;
    if (this.copy !== undefined) yield this.copy.from;
    if (this.window !== undefined) yield* this.window.heldBlocks();
  }

  /** Appends cached full blocks, whose references the caller has taken, then counts `numComputedTokens` as computed. */
  adopt(cached: readonly BlockId[], numComputedTokens: number): void {
    this.blocks.push(...cached);
    this.computedTokens = numComputedTokens;
    this.publishedBlocks = Math.floor(numComputedTokens / this.pool.blockTokens);
  }

  /** Reserves `count` available blocks for this sequence. */
  reserve(count: number): void {
    this.pool.reserve(count);
    this.reservedBlocks += count;
  }

  /** Blocks that the table and its reservation lack to cover `slots` token positions. */
  lackingFor(slots: number): number {
    return Math.max(0, blocksFor(slots, this.pool.blockTokens) - this.blocks.length - this.reservedBlocks);
  }

  /** Extends the table to cover `slots` token positions, out of the reservation. */
  grow(slots: number): void {
    const missing = blocksFor(slots, this.pool.blockTokens) - this.blocks.length;
    if (missing <= 0) return;
    this.blocks.push(...this.takeReserved(missing, this.blocks.at(-1)));
  }

  /** Replaces the shared last block with a reserved one; the runner copies its contents. */
  replaceTail(): void {
    const index = this.blocks.length - 1;
    const from = at(this.blocks, index);
    const to = at(this.takeReserved(1, this.blocks[index - 1]), 0);
    this.blocks[index] = to;
    this.copy = { from, to, tokens: this.computedTokens % this.pool.blockTokens };
  }

  /** Makes the last block writable by removing its key; nobody else may hold it. */
  unpublishTail(): void {
    this.pool.unpublish(at(this.blocks, this.blocks.length - 1));
  }

  /** The runner has made this pending copy. */
  copied(copy: PendingCopy): void {
    if (copy === this.window?.pendingCopy) {
      this.window.copied();
      return;
    }
    if (copy !== this.copy) throw bug("a copy ended that was never started");
    this.copy = undefined;
    this.pool.release(copy.from);
  }

  /** Counts the first `numTokens` tokens as computed and makes full blocks findable. */
  advance(numTokens: number): void {
    this.computedTokens = numTokens;
    const full = Math.floor(numTokens / this.pool.blockTokens);
    for (; this.publishedBlocks < full; this.publishedBlocks += 1) {
      const index = this.publishedBlocks;
      const block = at(this.blocks, index);
      if (this.pool.publish(block, this.history.keyOf(index)) !== block) this.duplicates.push(index);
    }
    this.window?.advance(numTokens, this.history);
  }

  /** Marks the tokens after the first `numTokens` as not computed. */
  truncate(numTokens: number): void {
    if (numTokens >= this.computedTokens) return;
    this.computedTokens = numTokens;
    this.publishedBlocks = Math.floor(numTokens / this.pool.blockTokens);
    this.window?.truncate(numTokens);
  }

  /**
   * Live sequence → AgentBlocks of all computed tokens: moves the table, O(blocks). Ends the sequence; the cache has a
   * view of the history's tokens, which do not change any more. A last block whose copy was not made is dropped, since
   * its tokens are missing.
   */
  extract(): AgentBlocks {
    // First: this may fail, and then nothing may have ended.
    this.history.keysOf(this.computedTokens);
    this.end();
    this.dropUnmadeCopies();
    const { pool, blocks, computedTokens } = this;
    const kept = blocksFor(computedTokens, pool.blockTokens);
    pool.releaseFrom(blocks, kept);
    blocks.length = Math.min(blocks.length, kept);
    for (const index of this.duplicates) if (index < this.publishedBlocks) this.useCanonical(index);
    return new AgentBlocks(this.tables, {
      owner: this.owner,
      salt: this.salt,
      epoch: this.epoch,
      tokenIds: this.history.view(0, computedTokens),
      table: blocks,
      windowTable: this.window?.moveOut(computedTokens) ?? [],
      keys: this.history.keysOf(computedTokens),
    });
  }

  /** Ends it and releases its blocks; findable blocks stay findable. Computes nothing, so it cannot fail. */
  release(): void {
    this.end();
    this.dropUnmadeCopies();
    this.pool.releaseFrom(this.blocks, 0);
    this.window?.moveOut(0);
  }

  /**
   * Two requests computed blocks with the same contents at the same time. Replaces this sequence's block with the
   * findable one, or makes its own findable when the other is gone.
   */
  private useCanonical(index: number): void {
    const own = at(this.blocks, index);
    const canonical = this.pool.publish(own, this.history.keyOf(index));
    if (canonical === own) return;
    this.pool.retain(canonical);
    this.blocks[index] = canonical;
    this.pool.release(own);
  }

  private dropUnmadeCopies(): void {
    const [copy] = this.pendingCopies;
    if (copy === undefined) return;
    this.truncate(this.computedTokens - copy.tokens);
    for (const unmade of this.pendingCopies) this.copied(unmade);
  }

  private takeReserved(count: number, after: BlockId | undefined): readonly BlockId[] {
    if (count > this.reservedBlocks) {
      throw bug("a sequence took more blocks than it reserved", { count, reserved: this.reservedBlocks });
    }
    this.reservedBlocks -= count;
    return this.pool.allocateReserved(count, after);
  }

  private end(): void {
    if (this.ended) throw bug("a sequence ended twice", { owner: this.owner });
    this.ended = true;
    this.tables.delete(this);
    this.pool.cancelReserved(this.reservedBlocks);
    this.reservedBlocks = 0;
  }
}
