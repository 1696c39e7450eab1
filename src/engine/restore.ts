import { AgentBlocks } from "./agentBlocks";
import { blocksFor } from "./blockMath";
import { at, bug } from "./invariant";
import type { BlockHolder, LiveTables } from "./liveTables";
import { type BlockId, noBlock } from "./ports";
import type { Priority } from "./request";
import type { Space } from "./space";
import { type KeyChain, TokenHistory } from "./tokenHistory";
import { firstBlockSeen } from "./windowMath";

export interface RestoreRequest {
  readonly owner: string;
  /** The tokens to restore the cache of. */
  readonly tokens: Int32Array;
  /** Known keys of the first full blocks of `tokens`. */
  readonly keys?: readonly string[];
  readonly salt?: string;
  /** "low": for a read-ahead. It leaves the blocks that running and waiting answers will need. */
  readonly priority?: Priority;
  /** Work of higher priority needs blocks: end the restore soon. Called at most once, and only for "low". */
  readonly onEndRequested?: () => void;
}

/** Where a restore takes its blocks from. */
export interface RestoreSource {
  readonly space: Space;
  /** Blocks that must stay available for others. */
  readonly headroom: number;
}

/** A block to fill: the K and V of `tokens`, the first of which is at position `start`. */
export interface RestoreTarget {
  readonly block: BlockId;
  readonly start: number;
  /** `blockTokens` ids; the last target may have fewer. */
  readonly tokens: Int32Array;
  /** Content address; only full blocks have one. */
  readonly key: string | undefined;
}

/**
 * A cache that is being loaded into the pool from elsewhere. Blocks that the pool still has are used first; for the
 * rest it allocates `targets`, which the caller fills and verifies. Then `commit` makes a cache of the tokens that are
 * there, or `cancel` releases the blocks. Ends exactly once.
 */
export class Restore implements BlockHolder {
  readonly owner: string;
  private readonly epoch: number;
  private ended = false;
  private endRequested = false;

  /** Takes as many blocks as it may, also from idle caches: `targets` may cover less than the request. */
  static begin(
    tables: LiveTables,
    chain: KeyChain,
    request: RestoreRequest,
    { space, headroom }: RestoreSource,
  ): Restore {
    const { pool } = tables;
    const { length } = request.tokens;
    const known = request.keys?.slice(0, Math.floor(length / pool.blockTokens));
    const history = TokenHistory.growing(chain, request.tokens, length, known);
    // Before any block is taken: when a key cannot be computed, no block is held.
    const keys = history.keysOf(history.length);
    const found: BlockId[] = [];
    for (const key of keys) {
      const block = pool.lookup(key);
      if (block === undefined || !pool.canRetain(block)) break;
      if (pool.refCount(block) === 0 && pool.availableBlocks <= headroom) break;
      pool.retain(block);
      found.push(block);
    }
    const missing = blocksFor(history.length, pool.blockTokens) - found.length;
    space.findSome(missing + headroom - pool.availableBlocks);
    const taken = pool.allocate(Math.min(missing, Math.max(0, pool.availableBlocks - headroom)), found.at(-1));
    return new Restore(tables, request, history, [...found, ...taken], found.length, takeWindow(tables, history));
  }

  private constructor(
    private readonly tables: LiveTables,
    private readonly request: RestoreRequest,
    private readonly history: TokenHistory,
    private readonly table: BlockId[],
    private readonly foundBlocks: number,
    private readonly window: readonly WindowSlot[] | undefined,
  ) {
    this.owner = request.owner;
    this.epoch = tables.pool.epoch;
    tables.add(this);
    tables.restores.add(this);
  }

  /** The device has failed since: the contents of filled and found blocks are unknown. */
  get stale(): boolean {
    return this.epoch !== this.tables.pool.epoch;
  }

  /** Asks a restore of low priority, once, to end soon. */
  requestEnd(): void {
    if (this.endRequested || this.request.priority !== "low") return;
    this.endRequested = true;
    this.request.onEndRequested?.();
  }

  /** Tokens whose blocks the pool still had. */
  get foundTokens(): number {
    return this.foundBlocks * this.tables.pool.blockTokens;
  }

  /** Blocks to fill, in order. */
  get targets(): readonly RestoreTarget[] {
    return this.table.slice(this.foundBlocks).map((block, offset) => this.target(block, this.foundBlocks + offset));
  }

  /** Blocks of the window layers to fill; `undefined`: there is no room for them now. */
  get windowTargets(): readonly RestoreTarget[] | undefined {
    return this.window?.filter(({ found }) => !found).map(({ block, index }) => this.target(block, index));
  }

  heldBlocks(): readonly BlockId[] {
    return [...this.table, ...this.windowBlocks()];
  }

  /**
   * Makes a cache of the first `numTokens` tokens: the found ones and the targets filled without a gap. `windowFilled`:
   * the window's targets are filled too; they are kept only when all tokens are there.
   */
  commit(numTokens: number, windowFilled = false): AgentBlocks {
    const { pool } = this.tables;
    const { blockTokens } = pool;
    const held = Math.min(this.table.length * blockTokens, this.history.length);
    if (!Number.isInteger(numTokens) || numTokens < this.foundTokens || numTokens > held) {
      throw bug("a restore was committed with tokens that it does not hold", { numTokens, held });
    }
    const kept = blocksFor(numTokens, blockTokens);
    const keys = this.history.keysOf(numTokens);
    this.end();
    pool.releaseFrom(this.table, kept);
    const table = this.table.slice(0, kept);
    if (this.epoch === pool.epoch) this.publish(table, keys);
    const { owner, epoch } = this;
    const tokenIds = this.history.view(0, numTokens);
    const windowTable = this.commitWindow(windowFilled && numTokens === this.history.length, keys);
    const { tables } = this;
    const blocks = new AgentBlocks(tables, {
      owner,
      salt: this.request.salt,
      epoch,
      tokenIds,
      table,
      windowTable,
      keys,
    });
    tables.changed();
    return blocks;
  }

  /** Releases all blocks; those that the pool had stay findable. */
  cancel(): void {
    this.end();
    this.tables.pool.releaseFrom(this.table, 0);
    this.tables.window?.pool.releaseFrom(this.windowBlocks(), 0);
    this.tables.changed();
  }

  private windowBlocks(): readonly BlockId[] {
    return this.window?.map(({ block }) => block) ?? [];
  }

  private commitWindow(complete: boolean, keys: readonly string[]): BlockId[] {
    const pool = this.tables.window?.pool;
    if (pool === undefined) return [];
    if (!complete) {
      pool.releaseFrom(this.windowBlocks(), 0);
      return [];
    }
    const table: BlockId[] = [];
    for (const { index, block, found } of this.window ?? []) {
      while (table.length < index) table.push(noBlock);
      table.push(block);
      const key = keys[index];
      if (!found && key !== undefined && this.epoch === this.tables.pool.epoch) pool.publish(block, key);
    }
    return table;
  }

  private publish(table: BlockId[], keys: readonly string[]): void {
    const { pool } = this.tables;
    for (let index = this.foundBlocks; index < keys.length; index += 1) {
      const own = at(table, index);
      const canonical = pool.publish(own, at(keys, index));
      if (canonical === own) continue;
      pool.retain(canonical);
      table[index] = canonical;
      pool.release(own);
    }
  }

  private target(block: BlockId, index: number): RestoreTarget {
    const { blockTokens } = this.tables.pool;
    const start = index * blockTokens;
    const tokens = this.history.view(start, start + blockTokens);
    return { block, start, tokens, key: tokens.length === blockTokens ? this.history.keyOf(index) : undefined };
  }

  private end(): void {
    if (this.ended) throw bug("a restore ended twice", { owner: this.owner });
    this.ended = true;
    this.tables.restores.delete(this);
    this.tables.delete(this);
  }
}

/** A block of the window layers, and whether the pool still had it. */
interface WindowSlot {
  readonly index: number;
  readonly block: BlockId;
  readonly found: boolean;
}

/** Takes the blocks of the last token's window: all of them, or none when there is no room. */
function takeWindow(tables: LiveTables, history: TokenHistory): readonly WindowSlot[] | undefined {
  if (tables.window === undefined) return [];
  const { pool, geometry } = tables.window;
  const { blockTokens } = pool;
  const first = firstBlockSeen(Math.max(0, history.length - 1), geometry, blockTokens);
  const end = blocksFor(history.length, blockTokens);
  const known = Array.from({ length: end - first }, (_, offset) => {
    const isFull = (first + offset + 1) * blockTokens <= history.length;
    return isFull ? pool.lookup(history.keyOf(first + offset)) : undefined;
  });
  const taken = known.filter((block) => block === undefined || pool.refCount(block) === 0).length;
  tables.dropIdleWindows(taken);
  // The dropped windows may contain found blocks, so count again.
  const needed = known.filter((block) => block === undefined || pool.refCount(block) === 0).length;
  if (pool.availableBlocks < needed) return undefined;
  for (const block of known) if (block !== undefined) pool.retain(block);
  return known.map((block, offset) => ({
    index: first + offset,
    block: block ?? at(pool.allocate(1), 0),
    found: block !== undefined,
  }));
}
