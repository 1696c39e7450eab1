import type { BlockIdentity } from "../store/blockIdentity";
import type { BlockStore, StoredBlock } from "../store/blockStore";
import type { KeyedHistory } from "./keyedHistory";

/**
 * The first blocks of a history as files: full ones, then perhaps a block of another branch that agrees in part. A
 * block is described on demand, so a chain costs only what is used of it.
 */
export class StoredChain {
  constructor(
    private readonly store: BlockStore,
    private readonly identity: BlockIdentity,
    private readonly history: KeyedHistory,
    private readonly fullBlocks: number,
    private readonly last?: StoredBlock,
  ) {}

  /** Keys of the history's full blocks, as far as they are known. */
  get keys(): readonly string[] {
    return this.history.keys;
  }

  get length(): number {
    return this.fullBlocks + (this.last === undefined ? 0 : 1);
  }

  at(index: number): StoredBlock | undefined {
    if (index === this.fullBlocks) return this.last;
    if (index < 0 || index > this.fullBlocks) return undefined;
    const { history, identity } = this;
    const key = history.keyOf(index);
    return {
      key,
      parent: history.parentOf(index),
      start: index * identity.blockTokens,
      tokens: history.tokensOf(index),
      path: this.store.objectPath(identity, key),
    };
  }

  slice(from: number, to = this.length): readonly StoredBlock[] {
    const blocks: StoredBlock[] = [];
    for (let index = from; index < Math.min(to, this.length); index += 1) {
      const block = this.at(index);
      if (block !== undefined) blocks.push(block);
    }
    return blocks;
  }

  /** The same chain, ended before block `length`. */
  first(length: number): StoredChain {
    if (length >= this.length) return this;
    return new StoredChain(this.store, this.identity, this.history, Math.min(length, this.fullBlocks));
  }
}
