import { inBatches } from "../common/batches";
import type { AgentBlocks } from "../engine/agentBlocks";
import { noBlock } from "../engine/ports";
import type { AgentWriter } from "../store/agentWriter";
import { type BlockIdentity, rootKey } from "../store/blockIdentity";
import type { BlockStore, StoredBlock } from "../store/blockStore";
import type { CacheManifest, TailManifest } from "../store/manifest";
import { windowTwin } from "../store/windowFiles";
import type { ModelSession } from "./ports";

const writesInFlight = 4;

/** The branch that was committed last. */
interface SavedBranch {
  readonly root: string;
  /** Keys of its full blocks. */
  readonly keys: readonly string[];
  /** Sums of file bytes of its first 1, 2 … blocks. */
  readonly bytesUpTo: readonly number[];
  /** The store's losses at that time. */
  readonly losses: number;
}

/** Saves one agent's cache. A save costs what is new since the last one. */
export class CacheSaver {
  private last: SavedBranch | undefined;

  constructor(private readonly store: BlockStore) {}

  /**
   * Names the new full blocks in the agent's key file, writes those that are not in the store, then the tail, then the
   * manifest. `blocks` must not change meanwhile. Resolves with the bytes of new files. Rejects with DISK_FULL or
   * IO_FAILURE and leaves the manifest as it was.
   */
  async save(session: ModelSession, blocks: AgentBlocks, writer: AgentWriter): Promise<number> {
    const { store } = this;
    const { identity } = session;
    const { keys, tokenIds } = blocks;
    const root = rootKey(identity);
    const before = writer.manifest.cache;
    const named = sharedBlocks(this.last, root, keys);
    const keyRecords = await writer.keys.add(identity, keys.slice(named));
    await store.checkRemovals();
    const { losses } = store;
    // After the store lost files, all blocks of the branch are checked, and missing ones are written again.
    const saved = this.last?.losses === losses ? named : 0;
    const bytesUpTo = (this.last?.bytesUpTo ?? []).slice(0, saved);
    const full = await saveFullBlocks(store, session, blocks, saved, bytesUpTo);
    const tail = await this.saveTail(session, blocks, writer);
    const newBytes = full + (tail === before?.tail ? 0 : (tail?.bytes ?? 0));
    const cache: CacheManifest = {
      identity,
      keyRecords,
      ...(tail === undefined ? {} : { tail }),
      tokens: tokenIds.length,
      bytes: (bytesUpTo.at(-1) ?? 0) + (tail?.bytes ?? 0),
    };
    if (before === undefined || !isSame(before, cache)) {
      writer.change({ cache });
      await writer.commit("whole");
      if (before?.tail !== undefined && before.tail !== tail) await writer.removeTail(before.tail.generation);
    }
    this.last = { root, keys, bytesUpTo, losses };
    return newBytes;
  }

  /** The tail's entry: the old one where its tokens are the same, else a new generation, which is written now. */
  private async saveTail(
    { identity, files }: ModelSession,
    { keys, tokenIds, table, windowTable }: AgentBlocks,
    writer: AgentWriter,
  ): Promise<TailManifest | undefined> {
    const { store } = this;
    const before = writer.manifest.cache?.tail;
    const parent = keys.at(-1) ?? rootKey(identity);
    const start = keys.length * identity.blockTokens;
    const tokens = tokenIds.subarray(start);
    if (tokens.length === 0) return undefined;
    if (before?.parent === parent && before.tokens.join() === tokens.join()) return before;
    const generation = (before?.generation ?? 0) + 1;
    const stored = store.tail(parent, start, tokens, writer.tailPath(generation));
    const window = windowTable[keys.length] ?? noBlock;
    const ofWindow = window === noBlock ? 0 : await store.write(files, identity, windowTwin(stored), window);
    const bytes = ofWindow + (await store.write(files, identity, stored, blockAt(table, keys.length)));
    return { generation, parent, start, tokens: [...tokens], bytes };
  }
}

/** Writes the full blocks from `from` on that have no file, and adds their sizes to `bytesUpTo`. Resolves with new bytes. */
export async function saveFullBlocks(
  store: BlockStore,
  { identity, files }: ModelSession,
  blocks: AgentBlocks,
  from: number,
  bytesUpTo: number[],
): Promise<number> {
  let newBytes = 0;
  const save = async (index: number): Promise<number> => {
    const stored = fullBlock(store, identity, blocks, index);
    const window = blocks.windowTable[index] ?? noBlock;
    const saves = [await store.save(files, identity, stored, blockAt(blocks.table, index))];
    if (window !== noBlock) saves.push(await store.save(files, identity, windowTwin(stored), window));
    for (const { fileBytes, isNew } of saves) if (isNew) newBytes += fileBytes;
    return saves.reduce((sum, { fileBytes }) => sum + fileBytes, 0);
  };
  const indices = Array.from({ length: blocks.keys.length - from }, (_, offset) => from + offset);
  for (const bytes of await inBatches(indices, writesInFlight, save)) {
    bytesUpTo.push((bytesUpTo.at(-1) ?? 0) + bytes);
  }
  return newBytes;
}

/**
 * Number of leading `keys` that were saved with `root`. A key depends on all before it, so a binary search finds it.
 */
function sharedBlocks(saved: SavedBranch | undefined, root: string, keys: readonly string[]): number {
  if (saved?.root !== root) return 0;
  let shared = 0;
  let end = Math.min(saved.keys.length, keys.length);
  while (shared < end) {
    const middle = Math.ceil((shared + end) / 2);
    if (saved.keys[middle - 1] === keys[middle - 1]) shared = middle;
    else end = middle - 1;
  }
  return shared;
}

function isSame(before: CacheManifest, cache: CacheManifest): boolean {
  return (
    rootKey(before.identity) === rootKey(cache.identity) &&
    before.blocks === undefined &&
    before.keyRecords === cache.keyRecords &&
    before.tail === cache.tail &&
    before.tokens === cache.tokens
  );
}

function fullBlock(
  store: BlockStore,
  identity: BlockIdentity,
  { keys, tokenIds }: AgentBlocks,
  index: number,
): StoredBlock {
  const start = index * identity.blockTokens;
  const tokens = tokenIds.subarray(start, start + identity.blockTokens);
  const key = keyAt(keys, index);
  const parent = index === 0 ? rootKey(identity) : keyAt(keys, index - 1);
  return { key, parent, start, tokens, path: store.objectPath(identity, key) };
}

function keyAt(keys: readonly string[], index: number): string {
  const key = keys[index];
  if (key === undefined) throw new RangeError(`a cache has no key of block ${index}`);
  return key;
}

export function blockAt(table: readonly number[], index: number): number {
  const block = table[index];
  if (block === undefined) throw new RangeError(`a cache's table has no block ${index}`);
  return block;
}
