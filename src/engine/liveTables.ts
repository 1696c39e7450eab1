import type { BlockPool } from "./blockPool";
import type { IdleCache, IdleTerms } from "./idleCache";
import { at, bug } from "./invariant";
import type { BlockId } from "./ports";
import type { WindowBlocks } from "./windowMath";

/** A holder of references to blocks: a sequence, a cache between turns, a restore under way. */
export interface BlockHolder {
  readonly owner: string;
  /** Blocks of all layers, without `noBlock`. */
  heldBlocks(): Iterable<BlockId>;
  /** The window blocks of an idle cache and how to drop them; absent: they must stay. */
  readonly idleWindow?: { readonly blocks: readonly BlockId[]; readonly drop: () => void } | undefined;
}

/** A full block of the window layers that its sequence does not attend to any more. */
export interface LeftBlock {
  readonly owner: string;
  readonly salt: string | undefined;
  readonly block: BlockId;
  readonly key: string;
  /** Key of the block before it. */
  readonly parent: string;
  /** Position of its first token. */
  readonly start: number;
  readonly tokens: Int32Array;
}

/** The block keeps its contents until the promise settles; `undefined`: nobody needs them. */
export type OnWindowLeft = (left: LeftBlock) => Promise<unknown> | undefined;

/** One run of the pool's map, in id order. Only "agent" runs have an `owner`. */
export interface PoolRun {
  readonly kind: "agent" | "shared" | "reusable" | "free";
  readonly owner?: string;
  readonly count: number;
}

/** All holders. Shows who owns a block, and proves in checks that no reference is lost or counted twice. */
export class LiveTables {
  /** Idle caches and how each may be dropped. */
  readonly idle = new Map<IdleCache, IdleTerms>();
  /** Caches with blocks that are in use, for example for a save: they will be idle, released or submitted soon. */
  readonly inUse = new Set<BlockHolder>();
  /** Restores under way. */
  readonly restores = new Set<{ readonly requestEnd: () => void }>();
  private readonly holders = new Set<BlockHolder>();

  /** `onChange`: free, idle or used blocks changed; work that waits for blocks tries again. */
  constructor(
    readonly pool: BlockPool,
    readonly window?: WindowBlocks,
    private readonly onWindowLeft: OnWindowLeft = () => undefined,
    private readonly onChange: () => void = () => {},
  ) {}

  /** Call this when a change is complete: references and holders must agree, since listeners read both. */
  changed(): void {
    this.onChange();
  }

  get count(): number {
    return this.holders.size;
  }

  add(holder: BlockHolder): void {
    this.holders.add(holder);
  }

  delete(holder: BlockHolder): void {
    if (!this.holders.delete(holder)) throw bug("a table ended twice", { owner: holder.owner });
  }

  /** Window blocks that could be taken now, including those of all idle caches but `except`. O(held). */
  windowRoom(except?: BlockHolder): number {
    if (this.window === undefined) return 0;
    const { pool } = this.window;
    const idle = new Map<BlockId, number>();
    for (const holder of this.holders) {
      if (holder === except) continue;
      for (const block of holder.idleWindow?.blocks ?? []) idle.set(block, (idle.get(block) ?? 0) + 1);
    }
    const free = [...idle].filter(([block, holders]) => pool.refCount(block) === holders);
    return pool.availableBlocks + free.length;
  }

  /** Drops the windows of idle caches, the oldest first, until `count` blocks are available or none is left to drop. */
  dropIdleWindows(count: number): void {
    const pool = this.window?.pool;
    if (pool === undefined) return;
    for (const holder of [...this.holders]) {
      if (pool.availableBlocks >= count) return;
      holder.idleWindow?.drop();
    }
  }

  /** Releases a block that its sequence does not attend to any more, after `onWindowLeft` is done with it. */
  releaseLeftBlock(left: LeftBlock): void {
    const { block, owner } = left;
    const pool = this.window?.pool;
    if (pool === undefined) throw bug("a block left a window where there is none", { block });
    const kept = this.onWindowLeft(left);
    if (kept === undefined) {
      pool.release(block);
      return;
    }
    const holder: BlockHolder = { owner, heldBlocks: () => [block] };
    this.add(holder);
    const over = () => {
      pool.release(block);
      this.delete(holder);
      this.onChange();
    };
    kept.then(over, over);
  }

  /** The pool as runs of blocks of one kind and owner. O(total + held). */
  map(): readonly PoolRun[] {
    const owners = this.owners();
    const runs: { kind: PoolRun["kind"]; owner?: string; count: number }[] = [];
    for (let block = 0; block < this.pool.totalBlocks; block += 1) {
      const owner = owners[block];
      const kind = kindOf(this.pool.stateOf(block), owner);
      const last = runs.at(-1);
      if (last !== undefined && last.kind === kind && last.owner === owner) last.count += 1;
      else runs.push(owner === undefined ? { kind, count: 1 } : { kind, owner, count: 1 });
    }
    return runs;
  }

  /** Throws unless every block's reference count equals the number of times that the holders name it. */
  assertInvariants(): void {
    const { pool, window } = this;
    const named = new Uint32Array(window?.pool.endBlock ?? pool.endBlock);
    for (const holder of this.holders) {
      for (const block of holder.heldBlocks()) named[block] = at(named, block) + 1;
    }
    named.forEach((tables, block) => {
      const references = block < pool.endBlock ? pool.refCount(block) : (window?.pool.refCount(block) ?? 0);
      if (tables !== references) throw bug("references and tables differ", { block, tables, references });
    });
  }

  /** Owner of each held block; `undefined` where it has several or none. */
  private owners(): readonly (string | undefined)[] {
    const owners = new Array<string | undefined>(this.pool.totalBlocks).fill(undefined);
    const seen = new Uint8Array(this.pool.totalBlocks);
    for (const holder of this.holders) {
      for (const block of holder.heldBlocks()) {
        owners[block] = seen[block] === 1 && owners[block] !== holder.owner ? undefined : holder.owner;
        seen[block] = 1;
      }
    }
    return owners;
  }
}

function kindOf(state: ReturnType<BlockPool["stateOf"]>, owner: string | undefined): PoolRun["kind"] {
  if (state !== "referenced") return state;
  return owner === undefined ? "shared" : "agent";
}
