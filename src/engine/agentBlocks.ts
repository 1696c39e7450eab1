import { InvalidRequestError } from "../common/errors";
import { blocksFor } from "./blockMath";
import type { BlockPool } from "./blockPool";
import type { IdleTerms } from "./idleCache";
import { bug } from "./invariant";
import type { BlockHolder, LiveTables } from "./liveTables";
import { type BlockId, noBlock } from "./ports";

/**
 * A cache as data: what moves between `AgentBlocks` and a live sequence. Its holder has one reference to each block.
 */
export interface CacheContents {
  readonly owner: string;
  readonly salt: string | undefined;
  /** The pool's epoch in which the contents were computed. */
  readonly epoch: number;
  /** Ids of the computed tokens. The table has one entry per `blockTokens` of them; the last may be partly filled. */
  readonly tokenIds: Int32Array;
  readonly table: BlockId[];
  /** The same for the window layers; `noBlock` or shorter where blocks are gone. */
  readonly windowTable: BlockId[];
  /** Keys of the full blocks. */
  readonly keys: string[];
}

/**
 * An owned block table between turns: a generation returns it and the next `submit` takes it. It keeps its blocks in
 * the pool until it is either released, exactly once, or moved into the engine by `submit`; using it after that is a
 * bug and throws INTERNAL. Fork and rewind are bookkeeping in O(blocks): no token is prefilled again.
 */
export class AgentBlocks implements BlockHolder {
  private contents: CacheContents | undefined;
  private windowNeeded = false;

  /** A cache without tokens. */
  static empty(tables: LiveTables, owner: string, salt: string | undefined): AgentBlocks {
    const { epoch } = tables.pool;
    const nothing = { tokenIds: new Int32Array(0), table: [], windowTable: [], keys: [] };
    return new AgentBlocks(tables, { owner, salt, epoch, ...nothing });
  }

  /**
   * Takes over the contents' references. For the engine; other code gets caches from a generation, a fork or a restore.
   */
  constructor(
    private readonly tables: LiveTables,
    contents: CacheContents,
  ) {
    this.contents = contents;
    tables.add(this);
    if (contents.table.length > 0) tables.inUse.add(this);
  }

  get pool(): BlockPool {
    return this.tables.pool;
  }

  get owner(): string {
    return this.held().owner;
  }

  get salt(): string | undefined {
    return this.held().salt;
  }

  /** Block ids in order. */
  get table(): readonly BlockId[] {
    return this.held().table;
  }

  /** Ids of the tokens whose K and V the blocks hold. */
  get tokenIds(): Int32Array {
    return this.held().tokenIds;
  }

  get numTokens(): number {
    return this.held().tokenIds.length;
  }

  /** Content addresses of the full blocks. */
  get keys(): readonly string[] {
    return this.held().keys;
  }

  /** The device has failed since, so the contents of the blocks are unknown. The cache can only be released. */
  get stale(): boolean {
    return this.held().epoch !== this.pool.epoch;
  }

  /** Released, or moved into the engine. */
  get released(): boolean {
    return this.contents === undefined;
  }

  /** Block ids of the window layers, by position; `noBlock` where a block is gone. */
  get windowTable(): readonly BlockId[] {
    return this.held().windowTable;
  }

  heldBlocks(): readonly BlockId[] {
    return this.contents === undefined ? [] : [...this.contents.table, ...present(this.contents.windowTable)];
  }

  /**
   * Marks the cache as unused until its next submit, fork or release: the engine may now drop it when it needs blocks.
   * `undefined` marks it as used again. A stale cache is dropped at once.
   */
  setIdle(terms: IdleTerms | undefined): void {
    if (terms !== undefined && this.stale) {
      this.release();
      terms.onDropped();
      return;
    }
    this.held();
    if (terms === undefined) {
      this.tables.idle.delete(this);
      this.tables.inUse.add(this);
    } else {
      this.tables.inUse.delete(this);
      this.tables.idle.set(this, terms);
    }
    this.tables.changed();
  }

  /** Marks the cache as held by a waiting request: neither idle nor in use. For the engine. */
  setWaiting(): this {
    this.tables.inUse.delete(this);
    return this;
  }

  /** Keeps the window blocks of this cache even when others need blocks. */
  keepWindow(): void {
    this.windowNeeded = true;
  }

  get idleWindow(): BlockHolder["idleWindow"] {
    const blocks = this.contents?.windowTable;
    if (blocks === undefined || blocks.length === 0 || this.windowNeeded) return undefined;
    return { blocks: present(blocks), drop: () => this.dropWindow() };
  }

  /** A second owner of the same blocks. Both may continue: whichever writes a shared block first copies it before. */
  fork(owner = this.owner): AgentBlocks {
    const contents = this.held();
    for (const block of contents.table) this.pool.retain(block);
    for (const block of present(contents.windowTable)) this.tables.window?.pool.retain(block);
    return new AgentBlocks(this.tables, {
      ...contents,
      owner,
      table: contents.table.slice(),
      windowTable: contents.windowTable.slice(),
      keys: contents.keys.slice(),
    });
  }

  /** Keeps the first `numTokens` tokens. The other full blocks stay findable by key until they are reused. */
  rewind(numTokens: number): void {
    const contents = this.held();
    if (!Number.isInteger(numTokens) || numTokens < 0 || numTokens > contents.tokenIds.length) {
      throw new InvalidRequestError(
        "a cache can only be rewound to a token that it holds",
        "rewind to an earlier token",
        {
          numTokens,
          held: contents.tokenIds.length,
        },
      );
    }
    const { pool } = this;
    const kept = blocksFor(numTokens, pool.blockTokens);
    this.contents = {
      ...contents,
      tokenIds: contents.tokenIds.subarray(0, numTokens),
      table: contents.table.slice(0, kept),
      windowTable: contents.windowTable.slice(0, kept),
      keys: contents.keys.slice(0, Math.floor(numTokens / pool.blockTokens)),
    };
    pool.releaseFrom(contents.table, kept);
    this.tables.window?.pool.releaseFrom(contents.windowTable, kept);
    this.tables.changed();
  }

  release(): void {
    const { table, windowTable } = this.moveOut();
    this.pool.releaseFrom(table, 0);
    this.tables.window?.pool.releaseFrom(windowTable, 0);
    this.tables.changed();
  }

  /** Gives the contents and their references to the caller and ends this handle. For the engine. */
  moveOut(): CacheContents {
    const contents = this.held();
    this.contents = undefined;
    this.tables.idle.delete(this);
    this.tables.inUse.delete(this);
    this.tables.delete(this);
    return contents;
  }

  private dropWindow(): void {
    const contents = this.held();
    this.contents = { ...contents, windowTable: [] };
    this.tables.window?.pool.releaseFrom(contents.windowTable, 0);
    this.tables.changed();
  }

  private held(): CacheContents {
    if (this.contents === undefined) throw bug("a cache was used after it was released or submitted");
    return this.contents;
  }
}

function present(table: readonly BlockId[]): readonly BlockId[] {
  return table.filter((block) => block !== noBlock);
}
