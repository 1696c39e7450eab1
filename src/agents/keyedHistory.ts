import { at } from "../engine/invariant";
import { commonPrefix, type KeyChain, keyChain } from "../engine/tokenHistory";
import { type BlockIdentity, createBlockHasher, rootKey } from "../store/blockIdentity";

/** Keys that are known already: of the first full blocks of `tokens`, as many as there are. */
export interface KnownKeys {
  readonly tokens: Int32Array;
  readonly keys: readonly string[];
}

/** Token ids and the content addresses of their full blocks, each computed once and not before it is needed. */
export class KeyedHistory implements KnownKeys {
  private readonly computed: string[];

  private constructor(
    private readonly chain: KeyChain,
    readonly tokens: Int32Array,
    computed: string[],
  ) {
    this.computed = computed;
  }

  /** Takes over the keys of the blocks in which `tokens` agrees with one of `known`, of the same chain. */
  static of(chain: KeyChain, tokens: Int32Array, known: readonly KnownKeys[] = []): KeyedHistory {
    let best: readonly string[] = [];
    for (const { tokens: ids, keys } of known) {
      if (Math.min(keys.length, Math.floor(tokens.length / chain.blockTokens)) <= best.length) continue;
      const agreeing = Math.floor(commonPrefix(ids, tokens) / chain.blockTokens);
      const usable = keys.slice(0, agreeing);
      if (usable.length > best.length) best = usable;
    }
    return new KeyedHistory(chain, tokens, [...best]);
  }

  get blockTokens(): number {
    return this.chain.blockTokens;
  }

  get fullBlocks(): number {
    return Math.floor(this.tokens.length / this.chain.blockTokens);
  }

  /** The keys computed so far, from the first block. */
  get keys(): readonly string[] {
    return this.computed;
  }

  /** Key of full block `index`. */
  keyOf(index: number): string {
    const { blockTokens, hasher } = this.chain;
    if (index >= this.fullBlocks) throw new RangeError(`block ${index} is not full`);
    while (this.computed.length <= index) {
      const parent = this.parentOf(this.computed.length);
      const start = this.computed.length * blockTokens;
      this.computed.push(hasher.next(parent, this.tokens.subarray(start, start + blockTokens)));
    }
    return at(this.computed, index);
  }

  /** Key of what is before block `index`, which need not be full itself. */
  parentOf(index: number): string {
    return index === 0 ? this.chain.root : this.keyOf(index - 1);
  }

  /** Tokens of block `index`; fewer than a block's, or none, where the history ends. */
  tokensOf(index: number): Int32Array {
    const { blockTokens } = this.chain;
    return this.tokens.subarray(index * blockTokens, (index + 1) * blockTokens);
  }
}

/** How many histories an agent goes back and forth between: the head's, the one with a draft behind it, another branch. */
const mostRecent = 3;

/** The key chains of one agent: what agrees with an earlier history is not hashed again. */
export class KeyedHistories {
  private chain: KeyChain | undefined;
  private recent: readonly KeyedHistory[] = [];

  /** `known`: keys that somebody else has computed for this identity, like those of the blocks in the pool. */
  of(identity: BlockIdentity, tokens: Int32Array, known: readonly KnownKeys[] = []): KeyedHistory {
    const chain = this.chainOf(identity);
    const history = KeyedHistory.of(chain, tokens, [...known, ...this.recent]);
    // One that the new history goes on from has nothing that the new one has not.
    const others = this.recent.filter((other) => commonPrefix(other.tokens, tokens) < other.tokens.length);
    this.recent = [history, ...others].slice(0, mostRecent);
    return history;
  }

  private chainOf(identity: BlockIdentity): KeyChain {
    if (this.chain?.root !== rootKey(identity)) {
      this.chain = keyChain(createBlockHasher(identity), identity.blockTokens, undefined);
      this.recent = [];
    }
    return this.chain;
  }
}
