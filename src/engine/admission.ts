import type { AgentBlocks } from "./agentBlocks";
import { blocksFor, slotsNeeded } from "./blockMath";
import type { BlockPool } from "./blockPool";
import { at } from "./invariant";
import type { LiveTables } from "./liveTables";
import type { BlockId } from "./ports";
import { Sequence } from "./sequence";
import type { TokenHistory } from "./tokenHistory";
import { type FoundWindowBlock, findWindow, type WindowReuse } from "./windowReuse";
import type { WindowTable } from "./windowTable";

export interface Candidate {
  /** Its own cache, of a prefix of the prompt; may be empty. */
  readonly blocks: AgentBlocks;
  /** The prompt. */
  readonly history: TokenHistory;
  readonly maxTokens: number;
  /** It had to give its blocks up once: it starts only where it will not have to at once again. */
  readonly beginsAgain: boolean;
}

/**
 * Blocks of answer for which a request that begins again must find room. Not all that it may still write: that is the
 * whole pool where nobody said how long an answer may be.
 */
const blocksToBeginAgain = 8;

/** Positions that a request must have blocks for when it starts: its prompt's and those of the answer's beginning. */
export function slotsAtStart(
  { history, maxTokens, beginsAgain }: Pick<Candidate, "history" | "maxTokens" | "beginsAgain">,
  blockTokens: number,
): number {
  return slotsNeeded(history.length, Math.min(maxTokens, (beginsAgain ? blocksToBeginAgain : 1) * blockTokens));
}

/** How a request would start now: what it reuses and how many blocks it takes. */
export interface AdmissionPlan {
  /** Prompt tokens that need no reading. */
  readonly reusedTokens: number;
  /** Blocks of its own cache that it goes on with; the rest is given back. */
  readonly ownBlocks: number;
  /** Blocks with the prompt's next contents that others computed. */
  readonly cached: readonly BlockId[];
  /** The blocks of the layers with a window that the first new token sees. */
  readonly window: readonly FoundWindowBlock[];
  /** Blocks of these layers that must be available at the start. */
  readonly windowBlocks: number;
  /**
   * What happens before the partly used last block is written: nothing (it is the request's alone), a copy (others hold
   * or may find it), or, where no block is left for a copy and nobody holds it, it is taken back from the index.
   */
  readonly tail: "write" | "copy" | "claim";
  /** Blocks to reserve: for the rest of the prompt, the answer's beginning, and the copy. */
  readonly newBlocks: number;
  /** Available blocks that are lacking; it can start when both are 0. */
  readonly missingBlocks: number;
  /** The same of the layers with a window, whatever idle caches have of them. */
  readonly missingWindowBlocks: number;
}

/**
 * Pure: looks at the pool, changes nothing. `headroom` blocks are left to those that run already, so that they grow
 * for a while before somebody has to make room.
 */
export function planAdmission(tables: LiveTables, candidate: Candidate, headroom = 0): AdmissionPlan {
  const { blocks, history, maxTokens } = candidate;
  const { pool } = tables;
  const { blockTokens } = pool;
  const promptTokens = history.length;
  const ownFull = Math.floor(blocks.numTokens / blockTokens);
  const found = findCached(pool, history, ownFull);
  const cachedTokens = found.length > 0 ? (ownFull + found.length) * blockTokens : blocks.numTokens;
  // The logits after the prompt come from running its last token, cached or not.
  const wanted = Math.min(cachedTokens, maxTokens > 0 ? promptTokens - 1 : promptTokens);
  const ownAt = (tokens: number): number =>
    Math.min(blocksFor(tokens, blockTokens), found.length > 0 ? ownFull : blocks.table.length);
  const own = { table: blocks.windowTable, numTokens: blocks.numTokens, blocksAt: ownAt };
  const reuse =
    tables.window === undefined ? { numTokens: wanted, found: [] } : findWindow(tables.window, history, own, wanted);
  const reusedTokens = reuse.numTokens;
  const reusedBlocks = blocksFor(reusedTokens, blockTokens);
  const ownBlocks = ownAt(reusedTokens);
  const cached = found.slice(0, reusedBlocks - ownBlocks);

  const slots = slotsAtStart(candidate, blockTokens);
  const revived = cached.filter((block) => pool.refCount(block) === 0).length;
  const givenBack = blocks.table
    .slice(ownBlocks)
    .filter((block) => pool.refCount(block) === 1 && !cached.includes(block)).length;
  const grown = blocksFor(slots, blockTokens) - reusedBlocks;
  const windowBlocks = windowBlocksAtStart(tables, reuse, slots);
  const missingWindowBlocks = Math.max(0, windowBlocks - tables.windowRoom(blocks));
  const lacking = (newBlocks: number): number =>
    Math.max(0, newBlocks + headroom + revived - givenBack - pool.availableBlocks);
  const plan = { reusedTokens, ownBlocks, cached, window: reuse.found, windowBlocks, missingWindowBlocks };

  const tailBlock = reusedTokens % blockTokens === 0 ? undefined : (cached.at(-1) ?? at(blocks.table, ownBlocks - 1));
  if (tailBlock === undefined || (cached.length === 0 && pool.isWritable(tailBlock))) {
    return { ...plan, tail: "write", newBlocks: grown, missingBlocks: lacking(grown) };
  }
  const heldByOthers = pool.refCount(tailBlock) > (blocks.table.includes(tailBlock) ? 1 : 0);
  if (lacking(grown + 1) > 0 && !heldByOthers) {
    return { ...plan, tail: "claim", newBlocks: grown, missingBlocks: lacking(grown) };
  }
  return { ...plan, tail: "copy", newBlocks: grown + 1, missingBlocks: lacking(grown + 1) };
}

/** Starts a candidate as planned, nothing having changed since. Its cache handle ends; the prompt has its blocks. */
export function admit(tables: LiveTables, candidate: Candidate, plan: AdmissionPlan): Sequence {
  const { pool } = tables;
  const { blocks, history } = candidate;
  blocks.rewind(Math.min(blocks.numTokens, plan.ownBlocks * pool.blockTokens));
  for (const block of plan.cached) pool.retain(block);
  const sequence = Sequence.reconstruct(tables, blocks, history);
  sequence.adopt(plan.cached, plan.reusedTokens);
  if (sequence.window !== undefined) startWindow(tables, sequence.window, plan);
  sequence.reserve(plan.newBlocks);
  if (plan.tail === "copy") sequence.replaceTail();
  if (plan.tail === "claim") sequence.claimTail();
  sequence.grow(history.length);
  return sequence;
}

/** The first run's, a copy of the tail, and found ones that nobody holds. */
function windowBlocksAtStart({ window }: LiveTables, { numTokens, found }: WindowReuse, slots: number): number {
  if (window === undefined) return 0;
  const { pool, geometry } = window;
  const { blockTokens } = pool;
  const grown = blocksFor(slots, blockTokens) - blocksFor(numTokens, blockTokens);
  const firstRun = Math.min(grown, blocksFor(geometry.stepTokens, blockTokens) + 1);
  return firstRun + 1 + found.filter(({ block, own }) => !own && pool.refCount(block) === 0).length;
}

function startWindow(
  tables: LiveTables,
  table: WindowTable,
  { window, windowBlocks, reusedTokens }: AdmissionPlan,
): void {
  const pool = tables.window?.pool;
  const theirs = window.filter(({ own }) => !own);
  const held = theirs.filter(({ block }) => (pool?.refCount(block) ?? 0) > 0);
  for (const { block } of held) pool?.retain(block);
  tables.dropIdleWindows(windowBlocks);
  for (const found of theirs) if (!held.includes(found)) pool?.retain(found.block);
  table.adopt(window, reusedTokens);
  table.ownTail(reusedTokens);
}

/** Blocks with the contents of the prompt's full blocks from index `from` on, as far as they follow each other. */
function findCached(pool: BlockPool, history: TokenHistory, from: number): readonly BlockId[] {
  const found: BlockId[] = [];
  const full = Math.floor(history.length / pool.blockTokens);
  for (let index = from; index < full; index += 1) {
    const block = pool.lookup(history.keyOf(index));
    if (block === undefined) break;
    found.push(block);
  }
  return found;
}
