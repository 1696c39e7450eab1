import { ResidentError } from "../common/errors";
import type { AgentBlocks } from "../engine/agentBlocks";
import type { Priority } from "../engine/request";
import type { Restore } from "../engine/restore";
import { commonPrefix } from "../engine/tokenHistory";
import { firstBlockSeen } from "../engine/windowMath";
import type { CacheRefusal } from "../protocol/service";
import { type BlockIdentity, firstDifference } from "../store/blockIdentity";
import type { BlockStore, Presence, StoredBlock } from "../store/blockStore";
import type { CacheManifest } from "../store/manifest";
import { windowTwin } from "../store/windowFiles";
import type { PromptBuilder } from "../text/prompt";
import type { KeyedHistory } from "./keyedHistory";
import type { ModelSession } from "./ports";
import type { Continuation } from "./savedHistories";
import { StoredChain } from "./storedChain";

type Claimed = (key: string) => boolean;

/** What an agent has on disk, and where. */
export interface SavedCache {
  readonly manifest: CacheManifest | undefined;
  /** Tells whether a block with a given key was saved with `identity`; `undefined`: no block was. */
  readonly keys: (identity: BlockIdentity) => Promise<Claimed | undefined>;
  readonly tailPath: (generation: number) => string;
  /**
   * From the saved histories of all branches that agree with `tokens` beyond `start`: their `count` tokens from
   * `start`. Best first.
   */
  readonly continuations: (
    tokens: Int32Array,
    start: number,
    count: number,
    prompts: PromptBuilder,
  ) => Promise<readonly Continuation[]>;
}

/** A last block; only its first `agreeing` tokens are of use. */
interface PartialBlock {
  readonly block: StoredBlock;
  readonly agreeing: number;
}

export interface RestorePlan {
  /** Leading tokens that the agent has in the pool already. */
  readonly hotTokens: number;
  /** Tokens that could be there after the restore: hot ones and those of `blocks`. */
  readonly endToken: number;
  /** The tokens' full blocks that have files, then one whose beginning agrees with the tokens that follow. */
  readonly blocks: StoredChain;
  /** Index of the first block that the next token sees in the layers with a window; absent: no layer has one. */
  readonly windowFrom?: number;
  /** Why a part of what was saved cannot be restored. */
  readonly refused: CacheRefusal | undefined;
}

/** Looks for the files of blocks that are not hot. Reads none of them. */
export async function planRestore(
  store: BlockStore,
  { identity, text }: Pick<ModelSession, "identity" | "text">,
  history: KeyedHistory,
  hotTokens: number,
  saved: SavedCache,
  windowTokens?: number,
): Promise<RestorePlan> {
  const { blockTokens } = identity;
  const { tokens, fullBlocks } = history;
  const hotBlocks = Math.floor(hotTokens / blockTokens);
  const found = await store.findPresent(new StoredChain(store, identity, history, fullBlocks).slice(hotBlocks));
  const claimed = await claimedKeys(saved, identity);
  const present = hotBlocks + found.present;
  const endOfFull = present * blockTokens;
  const next = { parent: history.parentOf(present), start: endOfFull };
  const tail =
    tailOf(store, saved, tokens, next) ??
    (await partialOf(store, identity, { saved, claimed, prompts: text.prompts }, tokens, next));
  const firstAbsent = present < fullBlocks ? history.keyOf(present) : undefined;
  const refused =
    unreadableAt(found, endOfFull) ?? refusalOf(saved.manifest, claimed, identity, firstAbsent, endOfFull);
  const plan = {
    hotTokens,
    endToken: tail === undefined ? Math.max(hotTokens, endOfFull) : Math.max(hotTokens, endOfFull + tail.agreeing),
    blocks: new StoredChain(store, identity, history, present, tail?.block),
    refused,
  };
  return windowTokens === undefined ? plan : withWindow(store, plan, windowTokens, blockTokens);
}

/** Cuts the plan to what has its window blocks on disk too: all of it, or as many whole blocks as possible. */
async function withWindow(
  store: BlockStore,
  plan: RestorePlan,
  windowTokens: number,
  blockTokens: number,
): Promise<RestorePlan> {
  const { hotTokens, blocks } = plan;
  let unreadable: CacheRefusal | undefined;
  for (let end = plan.endToken; end > hotTokens; end = (Math.ceil(end / blockTokens) - 1) * blockTokens) {
    const windowFrom = firstBlockSeen(end - 1, { tokens: windowTokens }, blockTokens);
    const ofWindow = blocks.slice(windowFrom, Math.ceil(end / blockTokens)).map(windowTwin);
    const found = await store.findPresent(ofWindow);
    unreadable ??= unreadableAt(found, hotTokens);
    if (found.present < ofWindow.length) continue;
    const complete = end === plan.endToken;
    const restorable = { ...plan, endToken: end, blocks: blocks.first(Math.ceil(end / blockTokens)), windowFrom };
    return complete ? restorable : { ...restorable, refused: plan.refused ?? unreadable ?? windowGone(end) };
  }
  const refused = plan.refused ?? unreadable ?? (plan.endToken > hotTokens ? windowGone(hotTokens) : undefined);
  return { ...plan, endToken: hotTokens, blocks: blocks.first(0), refused };
}

/** A part of the store cannot be read. The turn runs without it and its figures say why. */
function unreadableAt({ unreadable }: Presence, atToken: number): CacheRefusal | undefined {
  return unreadable === undefined ? undefined : { code: "unreadable", reason: unreadable, atToken };
}

function windowGone(atToken: number): CacheRefusal {
  const reason = "what the layers with a window saw there is not stored";
  return { code: "missing", reason, atToken };
}

/** Where the full blocks end. */
interface EndOfFull {
  readonly parent: string;
  readonly start: number;
}

/** The tail file, if it begins where the full blocks end and its first tokens are those that follow. */
function tailOf(
  store: BlockStore,
  { manifest, tailPath }: SavedCache,
  tokens: Int32Array,
  { parent, start }: EndOfFull,
): PartialBlock | undefined {
  const tail = manifest?.tail;
  if (tail === undefined || tail.start !== start || tail.parent !== parent) return undefined;
  const ids = Int32Array.from(tail.tokens);
  const agreeing = commonPrefix(ids, tokens.subarray(start));
  if (agreeing === 0) return undefined;
  return { block: store.tail(parent, start, ids, tailPath(tail.generation)), agreeing };
}

/** Where to look for blocks of other branches. */
interface Branches {
  readonly saved: SavedCache;
  readonly claimed: Claimed | undefined;
  readonly prompts: PromptBuilder;
}

/**
 * A full block of another branch whose first tokens are those that follow: after a rewind or a fork in the middle of a
 * block, only new tokens are read.
 */
async function partialOf(
  store: BlockStore,
  identity: BlockIdentity,
  { saved, claimed, prompts }: Branches,
  tokens: Int32Array,
  { parent, start }: EndOfFull,
): Promise<PartialBlock | undefined> {
  if (claimed === undefined) return undefined;
  for (const continuation of await saved.continuations(tokens, start, identity.blockTokens, prompts)) {
    const block = store.block(identity, parent, start, continuation.tokens);
    const { agreeing } = continuation;
    if (claimed(block.key) && (await store.findPresent([block])).present === 1) return { block, agreeing };
  }
  return undefined;
}

/** Keys of the blocks that were saved for this model and these numerics. A key file that cannot be read has none. */
async function claimedKeys({ manifest, keys }: SavedCache, identity: BlockIdentity): Promise<Claimed | undefined> {
  return manifest === undefined ? undefined : keys(identity).catch(() => undefined);
}

function refusalOf(
  manifest: CacheManifest | undefined,
  claimed: Claimed | undefined,
  identity: BlockIdentity,
  firstAbsent: string | undefined,
  atToken: number,
): CacheRefusal | undefined {
  if (manifest === undefined) return undefined;
  const difference = firstDifference(manifest.identity, identity);
  if (difference !== undefined) {
    return atToken > 0
      ? undefined
      : { code: "foreign", reason: `the stored cache cannot be used: ${difference}`, atToken };
  }
  if (firstAbsent === undefined || claimed?.(firstAbsent) !== true) return undefined;
  return {
    code: "missing",
    reason: "a stored block's file is gone: the quota took it, or somebody deleted it",
    atToken,
  };
}

/** Number of blocks that the plan restores, without the hot ones. */
function blocksToRestore(plan: RestorePlan, { blockTokens }: BlockIdentity): number {
  return plan.blocks.length - Math.floor(plan.hotTokens / blockTokens);
}

export interface CacheRestoreRequest {
  readonly owner: string;
  /** The tokens whose cache is wanted. */
  readonly tokens: Int32Array;
  readonly priority: Priority;
  /** Ends the restore soon. Blocks that were restored before are kept. */
  readonly signal: AbortSignal | undefined;
  /** Called right before blocks are taken. Returns the number of hot tokens at that moment. */
  readonly onBegin: () => number;
}

/** Loads into blocks that no table names yet. `blocks` is absent where the result is not longer than what is hot. */
export async function restoreCache(
  store: BlockStore,
  session: ModelSession,
  { owner, tokens, priority, signal, onBegin }: CacheRestoreRequest,
  plan: RestorePlan,
): Promise<{ readonly blocks?: AgentBlocks; readonly loadedTokens: number; readonly refused?: CacheRefusal }> {
  const { engine, files, identity } = session;
  const endRequest = new AbortController();
  const stop = signal === undefined ? endRequest.signal : AbortSignal.any([signal, endRequest.signal]);
  const onEndRequested = () => endRequest.abort();
  const { keys } = plan.blocks;
  const request = { owner, tokens: tokens.subarray(0, plan.endToken), keys, priority, onEndRequested };
  let { hotTokens } = plan;
  const begun = () => {
    hotTokens = onBegin();
  };
  // A read-ahead takes what there is; an answer waits for what it needs.
  if (priority === "low") begun();
  const restore =
    priority === "low"
      ? engine.beginRestore(request)
      : await engine.beginRestoreInTurn(request, blocksToRestore(plan, identity), { signal, onBegin: begun });
  if (restore === undefined) return { loadedTokens: 0 };
  try {
    const first = restore.foundTokens / identity.blockTokens;
    const wanted = plan.blocks.slice(first, first + restore.targets.length);
    const targets = restore.targets.map((target) => target.block);
    const { loaded, refused } = await store.load(files, identity, wanted, targets, stop);
    const window = await loadWindow(store, session, plan, restore);
    if (restore.stale) throw brokenDevice();
    const loadedTokens = Math.min((first + loaded) * identity.blockTokens, plan.endToken) - restore.foundTokens;
    const numTokens = restore.foundTokens + loadedTokens;
    const outcome = { loadedTokens, ...withRefusal(refused ?? window.refused ?? plan.refused) };
    if (numTokens > hotTokens) return { blocks: restore.commit(numTokens, window.complete), ...outcome };
    restore.cancel();
    return { ...outcome, loadedTokens: 0 };
  } catch (error) {
    restore.cancel();
    throw error;
  }
}

/** The blocks of the layers with a window, all or none. */
async function loadWindow(
  store: BlockStore,
  { files, identity }: ModelSession,
  plan: RestorePlan,
  restore: Restore,
): Promise<{ readonly complete: boolean; readonly refused?: CacheRefusal | undefined }> {
  const targets = restore.windowTargets;
  if (plan.windowFrom === undefined || targets === undefined) return { complete: plan.windowFrom === undefined };
  const wanted = targets
    .map(({ start }) => plan.blocks.at(start / identity.blockTokens))
    .filter((block) => block !== undefined);
  const { loaded, refused } = await store.load(
    files,
    identity,
    wanted.map(windowTwin),
    targets.map(({ block }) => block),
  );
  return { complete: loaded === targets.length, refused };
}

function brokenDevice(): ResidentError {
  const what = "the device failed while the agent's cache was read back";
  return new ResidentError("NATIVE_FAILURE", what, "send the message again: the model is loaded anew", {});
}

function withRefusal(refused: CacheRefusal | undefined): { readonly refused?: CacheRefusal } {
  return refused === undefined ? {} : { refused };
}
