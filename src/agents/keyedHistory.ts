import { at } from "../engine/invariant";
import { commonPrefix, type KeyChain, keyChain } from "../engine/tokenHistory";
import { type BlockIdentity, createBlockHasher, rootKey } from "../store/blockIdentity";

/** Known keys of the first full blocks of `tokens`. */
export interface KnownKeys {
  readonly tokens: Int32Array;
  readonly keys: readonly string[];
}

/** Token ids and the content addresses of their full blocks. Each address is computed once, on demand. */
export class KeyedHistory implements KnownKeys {
  private constructor(
    private readonly chain: KeyChain,
    readonly tokens: Int32Array,
    private readonly computed: string[],
  ) {}

  /** Takes over the keys of the blocks in which `tokens` agrees with one of `known`, of the same chain. */
  static of(chain: KeyChain, tokens: Int32Array, known: readonly KnownKeys[] = []): KeyedHistory {
    let best: KnownKeys | undefined;
    let bestBlocks = 0;
    for (const candidate of known) {
      if (candidate.keys.length <= bestBlocks) continue;
      const agreeing = Math.floor(commonPrefix(candidate.tokens, tokens) / chain.blockTokens);
      const blocks = Math.min(candidate.keys.length, agreeing);
      if (blocks <= bestBlocks) continue;
      best = candidate;
      bestBlocks = blocks;
    }
    return new KeyedHistory(chain, tokens, best?.keys.slice(0, bestBlocks) ?? []);
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

  /** Key of the block before block `index`, which need not be full itself. */
  parentOf(index: number): string {
    return index === 0 ? this.chain.root : this.keyOf(index - 1);
  }

  /** Tokens of block `index`. The last block may have fewer tokens, or none. */
  tokensOf(index: number): Int32Array {
    const { blockTokens } = this.chain;
    return this.tokens.subarray(index * blockTokens, (index + 1) * blockTokens);
  }
}

/** Number of histories that an agent typically switches between: drafts and branches. */
const mostRecent = 4;

/** The key chains of one agent. Blocks that agree with an earlier history are not hashed again. */
export class KeyedHistories {
  private chain: KeyChain | undefined;
  private recent: readonly KeyedHistory[] = [];

  /** `known`: keys that were computed elsewhere for this identity, for example those of the blocks in the pool. */
  of(identity: BlockIdentity, tokens: Int32Array, known: readonly KnownKeys[] = []): KeyedHistory {
    const chain = this.chainOf(identity);
    const history = KeyedHistory.of(chain, tokens, [...known, ...this.recent]);
    this.recent = [history, ...this.recent].slice(0, mostRecent);
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
