import type { BlockPool } from "./blockPool";
import { at, bug } from "./invariant";
import type { BlockId } from "./ports";

/** Whoever holds references to blocks: a sequence, a cache between turns, a restore under way. */
export interface BlockHolder {
  readonly owner: string;
  heldBlocks(): Iterable<BlockId>;
}

/** One run of the pool's map, in id order. `owner` of "agent" runs only. */
export interface PoolRun {
  readonly kind: "agent" | "shared" | "reusable" | "free";
  readonly owner?: string;
  readonly count: number;
}

/** Every holder alive. Lets a view say whose a block is, and a check prove that no reference is lost or counted twice. */
export class LiveTables {
  private readonly holders = new Set<BlockHolder>();

  constructor(readonly pool: BlockPool) {}

  get count(): number {
    return this.holders.size;
  }

  add(holder: BlockHolder): void {
    this.holders.add(holder);
  }

  delete(holder: BlockHolder): void {
    if (!this.holders.delete(holder)) throw bug("a table ended twice", { owner: holder.owner });
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

  /** Throws unless every block's reference count is the number of times that the live tables name it. */
  assertInvariants(): void {
    const named = new Uint32Array(this.pool.totalBlocks);
    for (const holder of this.holders) {
      for (const block of holder.heldBlocks()) named[block] = at(named, block) + 1;
    }
    named.forEach((tables, block) => {
      const references = this.pool.refCount(block);
      if (tables !== references) throw bug("references and tables differ", { block, tables, references });
    });
  }

  /** Owner of each held block, undefined where it has several or none. */
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
