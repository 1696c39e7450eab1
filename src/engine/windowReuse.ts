import { blocksFor } from "./blockMath";
import { at } from "./invariant";
import { type BlockId, noBlock } from "./ports";
import type { TokenHistory } from "./tokenHistory";
import { firstBlockSeen, type WindowBlocks } from "./windowMath";

/** A block of the window layers that a prompt reuses. */
export interface FoundWindowBlock {
  readonly index: number;
  readonly block: BlockId;
  /** It is in the request's own cache; otherwise it was found in the pool. */
  readonly own: boolean;
}

export interface WindowReuse {
  /** Tokens whose window is there. No more tokens can be reused, even where the other layers' blocks are there. */
  readonly numTokens: number;
  readonly found: readonly FoundWindowBlock[];
}

/** A request's own window blocks: the table, and how many of its blocks and tokens agree with the prompt. */
export interface OwnWindow {
  readonly table: readonly BlockId[];
  readonly numTokens: number;
  /** When `numTokens` of the prompt are reused: how many of the blocks are the request's own. */
  readonly blocksAt: (numTokens: number) => number;
}

/**
 * The largest number of tokens after which a prompt can continue: `numTokens`, or a multiple of `blockTokens` below it.
 * Every block that the next token attends to must be there. 0 is always possible.
 */
export function findWindow(
  { pool, geometry }: WindowBlocks,
  history: TokenHistory,
  own: OwnWindow,
  numTokens: number,
): WindowReuse {
  const { blockTokens } = pool;
  for (let tokens = numTokens; tokens > 0; tokens = (Math.ceil(tokens / blockTokens) - 1) * blockTokens) {
    const found: FoundWindowBlock[] = [];
    const first = firstBlockSeen(tokens, geometry, blockTokens);
    const end = blocksFor(tokens, blockTokens);
    for (let index = end - 1; index >= first; index -= 1) {
      const block = blockOf(pool, history, own, index, tokens);
      if (block === undefined) break;
      found.unshift(block);
    }
    if (found.length === end - first) return { numTokens: tokens, found };
  }
  return { numTokens: 0, found: [] };
}

function blockOf(
  pool: WindowBlocks["pool"],
  history: TokenHistory,
  own: OwnWindow,
  index: number,
  tokens: number,
): FoundWindowBlock | undefined {
  const { blockTokens } = pool;
  const end = (index + 1) * blockTokens;
  const isOwn = index < own.blocksAt(tokens) && (own.table[index] ?? noBlock) !== noBlock;
  if (isOwn && Math.min(end, tokens) <= own.numTokens) return { index, block: at(own.table, index), own: true };
  const block = end <= history.length ? pool.lookup(history.keyOf(index)) : undefined;
  return block === undefined ? undefined : { index, block, own: false };
}
