import { at, bug } from "./invariant";
import type { BlockHasher, TokenId } from "./ports";

/**
 * A sequence's token ids, prompt and answer, in one buffer with room for the longest answer allowed, and the content
 * addresses of its full blocks, each computed once.
 */
export class TokenHistory {
  private numTokens: number;

  private constructor(
    private readonly chain: KeyChain,
    private readonly ids: Int32Array,
    tokens: Int32Array,
    private readonly keys: string[],
    private readonly fixed: boolean,
  ) {
    this.numTokens = tokens.length;
  }

  /** Copies `tokens` and leaves room for more. `keys`: the known keys of the first full blocks. */
  static growing(chain: KeyChain, tokens: Int32Array, capacityTokens: number, keys: string[] = []): TokenHistory {
    const ids = new Int32Array(Math.max(capacityTokens, tokens.length));
    ids.set(tokens);
    return new TokenHistory(chain, ids, tokens, keys, false);
  }

  /** Uses `tokens` without a copy, so the cost does not depend on their number; nobody may change them. */
  static of(chain: KeyChain, tokens: Int32Array, keys: string[]): TokenHistory {
    return new TokenHistory(chain, tokens, tokens, keys, true);
  }

  get length(): number {
    return this.numTokens;
  }

  append(id: TokenId): void {
    if (this.fixed) throw bug("a token was appended to a fixed history");
    if (this.numTokens === this.ids.length) throw bug("a sequence grew beyond its reserved length");
    this.ids[this.numTokens] = id;
    this.numTokens += 1;
  }

  truncate(numTokens: number): void {
    this.numTokens = Math.min(this.numTokens, numTokens);
    this.keys.length = Math.min(this.keys.length, Math.floor(this.numTokens / this.chain.blockTokens));
  }

  /**
   * A view of tokens start … end − 1. It changes only when one of its tokens is truncated and another is appended
   * there.
   */
  view(start: number, end: number): Int32Array {
    return this.ids.subarray(start, Math.min(end, this.numTokens));
  }

  /** Key of full block `index`. */
  keyOf(index: number): string {
    const { blockTokens } = this.chain;
    if ((index + 1) * blockTokens > this.numTokens) throw bug("a key was requested for a block that is not full");
    while (this.keys.length <= index) {
      const start = this.keys.length * blockTokens;
      const parent = this.keys.at(-1) ?? this.chain.root;
      this.keys.push(this.chain.hasher.next(parent, this.ids.subarray(start, start + blockTokens)));
    }
    return at(this.keys, index);
  }

  /** Full block `index`, with everything its key is derived from. */
  blockAt(index: number): {
    readonly key: string;
    readonly parent: string;
    readonly start: number;
    readonly tokens: Int32Array;
  } {
    const start = index * this.chain.blockTokens;
    const key = this.keyOf(index);
    const parent = index === 0 ? this.chain.root : this.keyOf(index - 1);
    return { key, parent, start, tokens: this.ids.slice(start, start + this.chain.blockTokens) };
  }

  /** Keys of the full blocks of the first `numTokens` tokens. */
  keysOf(numTokens: number): string[] {
    const full = Math.floor(numTokens / this.chain.blockTokens);
    if (full > 0) this.keyOf(full - 1);
    return this.keys.slice(0, full);
  }
}

/** How content addresses are derived for one salt. */
export interface KeyChain {
  readonly hasher: BlockHasher;
  readonly blockTokens: number;
  readonly root: string;
}

/** A salt is an extra link before the first block, so only requests of the same salt find salted blocks. */
export function keyChain(hasher: BlockHasher, blockTokens: number, salt: string | undefined): KeyChain {
  if (salt === undefined) return { hasher, blockTokens, root: hasher.root };
  const link = Int32Array.from(salt, (character) => character.codePointAt(0) ?? 0);
  return { hasher, blockTokens, root: hasher.next(hasher.root, link) };
}

/** Number of leading ids that agree. */
export function commonPrefix(a: Int32Array, b: Int32Array): number {
  const end = Math.min(a.length, b.length);
  let index = 0;
  while (index < end && a[index] === b[index]) index += 1;
  return index;
}
