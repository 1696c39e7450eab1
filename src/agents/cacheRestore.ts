import type { AgentBlocks } from "../engine/agentBlocks";
import { commonPrefix } from "../engine/tokenHistory";
import type { CacheRefusal } from "../protocol/service";
import { type BlockIdentity, firstDifference, rootKey } from "../store/blockIdentity";
import type { BlockStore, StoredBlock } from "../store/blockStore";
import type { CacheManifest } from "../store/manifest";
import { claimedKeys } from "../store/references";
import type { ModelSession } from "./ports";

/** What is on disk of an agent, and where its tail files lie. */
export interface SavedCache {
  readonly manifest: CacheManifest | undefined;
  readonly tailPath: (generation: number) => string;
}

export interface RestorePlan {
  /** Leading tokens that the agent holds in the pool already. */
  readonly hotTokens: number;
  /** Tokens that could be there after the restore: hot ones and those of `blocks`. */
  readonly endToken: number;
  /** Files of the tokens' full blocks from the first, as far as they exist, then the tail if it follows. */
  readonly blocks: readonly StoredBlock[];
  /** Why less is there than was saved. */
  readonly refused: CacheRefusal | undefined;
}

/** Looks for files; reads none. */
export async function planRestore(
  store: BlockStore,
  identity: BlockIdentity,
  tokens: Int32Array,
  hot: Int32Array | undefined,
  saved: SavedCache,
): Promise<RestorePlan> {
  const hotTokens = hot === undefined ? 0 : commonPrefix(hot, tokens);
  const chain = store.chain(identity, tokens);
  const hotBlocks = Math.floor(hotTokens / identity.blockTokens);
  const present = hotBlocks + (await store.countPresent(chain.slice(hotBlocks)));
  const full = chain.slice(0, present);
  const endOfFull = present * identity.blockTokens;
  const parent = full.at(-1)?.key ?? rootKey(identity);
  const tail = tailOf(store, saved, tokens, parent, endOfFull);
  const refused = refusalOf(saved.manifest, identity, chain[present], endOfFull);
  return {
    hotTokens,
    endToken: tail === undefined ? Math.max(hotTokens, endOfFull) : Math.max(hotTokens, endOfFull + tail.agreeing),
    blocks: tail === undefined ? full : [...full, tail.block],
    refused,
  };
}

/** The tail file, if it goes on where the full blocks end and begins with the tokens that follow. */
function tailOf(
  store: BlockStore,
  { manifest, tailPath }: SavedCache,
  tokens: Int32Array,
  parent: string,
  start: number,
): { readonly block: StoredBlock; readonly agreeing: number } | undefined {
  const tail = manifest?.tail;
  if (tail === undefined || tail.start !== start || tail.parent !== parent) return undefined;
  const ids = Int32Array.from(tail.tokens);
  const agreeing = commonPrefix(ids, tokens.subarray(start));
  if (agreeing === 0) return undefined;
  return { block: store.tail(parent, start, ids, tailPath(tail.generation)), agreeing };
}

function refusalOf(
  manifest: CacheManifest | undefined,
  identity: BlockIdentity,
  firstAbsent: StoredBlock | undefined,
  atToken: number,
): CacheRefusal | undefined {
  if (manifest === undefined) return undefined;
  const difference = firstDifference(manifest.identity, identity);
  if (difference !== undefined) {
    return atToken > 0
      ? undefined
      : { code: "foreign", reason: `the stored cache cannot be used: ${difference}`, atToken };
  }
  if (firstAbsent === undefined || !claimedKeys(manifest, rootKey(identity)).has(firstAbsent.key)) return undefined;
  return {
    code: "missing",
    reason: "a stored block's file is gone: the quota took it, or somebody deleted it",
    atToken,
  };
}

/** Fills blocks that no table names. `blocks` is absent when nothing was gained over what is hot. */
export async function restoreCache(
  store: BlockStore,
  session: ModelSession,
  owner: string,
  tokens: Int32Array,
  plan: RestorePlan,
): Promise<{ readonly blocks?: AgentBlocks; readonly loadedTokens: number; readonly refused?: CacheRefusal }> {
  const { engine, files, identity } = session;
  const needed = plan.blocks.length - Math.floor(plan.hotTokens / identity.blockTokens);
  const lacking = needed - engine.pool.availableBlocks;
  if (lacking > 0) await session.makeRoom(lacking);
  const restore = engine.beginRestore({ owner, tokens: tokens.subarray(0, plan.endToken) });
  try {
    const first = restore.foundTokens / identity.blockTokens;
    const wanted = plan.blocks.slice(first, first + restore.targets.length);
    const targets = restore.targets.map((target) => target.block);
    const { loaded, refused } = await store.load(files, identity, wanted, targets);
    const loadedTokens = Math.min((first + loaded) * identity.blockTokens, plan.endToken) - restore.foundTokens;
    const numTokens = restore.foundTokens + loadedTokens;
    const outcome = { loadedTokens, ...withRefusal(refused ?? plan.refused) };
    if (numTokens > plan.hotTokens) return { blocks: restore.commit(numTokens), ...outcome };
    restore.cancel();
    return { ...outcome, loadedTokens: 0 };
  } catch (error) {
    restore.cancel();
    throw error;
  }
}

function withRefusal(refused: CacheRefusal | undefined): { readonly refused?: CacheRefusal } {
  return refused === undefined ? {} : { refused };
}
