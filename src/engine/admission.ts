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
  /** The request's own cache of a prefix of the prompt; may be empty. */
  readonly blocks: AgentBlocks;
  /** The prompt. */
  readonly history: TokenHistory;
  readonly maxTokens: number;
  /** It was pre-empted before: it starts only when there is room to go on for a while. */
  readonly beginsAgain: boolean;
}

/**
 * Blocks of answer that a pre-empted request must find room for before it restarts. Not its whole remaining answer: an
 * answer without a length limit would need the whole pool.
 */
const blocksToBeginAgain = 8;

/** Positions that a request must have blocks for when it starts: the prompt and the beginning of the answer. */
export function slotsAtStart(
  { history, maxTokens, beginsAgain }: Pick<Candidate, "history" | "maxTokens" | "beginsAgain">,
  blockTokens: number,
): number {
  return slotsNeeded(history.length, Math.min(maxTokens, (beginsAgain ? blocksToBeginAgain : 1) * blockTokens));
}

/** How a request would start now: what it reuses and how many blocks it takes. */
export interface AdmissionPlan {
  /** Prompt tokens that are already computed. */
  readonly reusedTokens: number;
  /** Blocks of its own cache that it keeps; the rest is released. */
  readonly ownBlocks: number;
  /** Blocks computed by other requests that hold the prompt's next tokens. */
  readonly cached: readonly BlockId[];
  /** Blocks of the window layers that the first new token attends to. */
  readonly window: readonly FoundWindowBlock[];
  /** Blocks of the window layers that must be available at the start. */
  readonly windowBlocks: number;
  /**
   * What must happen before the partly used last block is written. "write": nothing, the request is its only user.
   * "copy": copy it first, since other holders or the index refer to it. "claim": remove it from the index; used when
   * no block is left for a copy and nobody else holds it.
   */
  readonly tail: "write" | "copy" | "claim";
  /** Blocks to reserve for the rest of the prompt, the beginning of the answer, and the copy. */
  readonly newBlocks: number;
  /** Blocks that are not available yet. The request can start when this and `missingWindowBlocks` are 0. */
  readonly missingBlocks: number;
  /** The same for the window layers. Blocks that idle caches could release count as available. */
  readonly missingWindowBlocks: number;
}

/**
 * Pure: reads the pool and changes nothing. `headroom` blocks are left to the running requests, so that they can grow
 * for a while before one of them must be pre-empted.
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

/**
 * Starts a candidate as planned; nothing may have changed since. Ends its cache handle and gives the prompt its blocks.
 */
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
  if (plan.tail === "claim") sequence.unpublishTail();
  sequence.grow(history.length);
  return sequence;
}

/** Blocks for the first run, one for a copy of the tail, and the found blocks that nobody holds. */
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
  table.makeTailWritable(reusedTokens);
}

/** The unbroken run of cached blocks that hold the prompt's full blocks from index `from` on. */
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
