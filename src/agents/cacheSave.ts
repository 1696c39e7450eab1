import { inBatches } from "../common/batches";
import type { AgentBlocks } from "../engine/agentBlocks";
import { noBlock } from "../engine/ports";
import type { AgentWriter } from "../store/agentWriter";
import { rootKey } from "../store/blockIdentity";
import type { BlockStore } from "../store/blockStore";
import type { CacheManifest, TailManifest } from "../store/manifest";
import { windowTwin } from "../store/windowFiles";
import type { ModelSession } from "./ports";

const writesInFlight = 4;

/**
 * Writes the full blocks that are not in the store, then the tail, then the manifest that names them. `blocks` must not
 * change meanwhile. Resolves with the bytes of new files; throws DISK_FULL or IO_FAILURE, the manifest as before.
 */
export async function saveCache(
  store: BlockStore,
  session: ModelSession,
  blocks: AgentBlocks,
  writer: AgentWriter,
): Promise<number> {
  const { identity, files } = session;
  const { tokenIds, table, windowTable } = blocks;
  const chain = store.chain(identity, tokenIds);
  const before = writer.manifest.cache;
  let newBytes = 0;
  let bytes = 0;
  const full = chain.flatMap((stored, index) => {
    const window = windowTable[index] ?? noBlock;
    const own = { stored, block: blockAt(table, index) };
    return window === noBlock ? [own] : [own, { stored: windowTwin(stored), block: window }];
  });
  const save = ({ stored, block }: (typeof full)[number]) => store.save(files, identity, stored, block);
  for (const { fileBytes, isNew } of await inBatches(full, writesInFlight, save)) {
    bytes += fileBytes;
    if (isNew) newBytes += fileBytes;
  }
  const parent = chain.at(-1)?.key ?? rootKey(identity);
  const start = chain.length * identity.blockTokens;
  const rest = tokenIds.subarray(start);
  const windowTail = windowTable[chain.length] ?? noBlock;
  const tail = await saveTail(before?.tail, parent, start, rest, async (generation) => {
    const stored = store.tail(parent, start, rest, writer.tailPath(generation));
    const ofWindow = windowTail === noBlock ? 0 : await store.write(files, identity, windowTwin(stored), windowTail);
    return ofWindow + (await store.write(files, identity, stored, blockAt(table, chain.length)));
  });
  bytes += tail?.bytes ?? 0;
  if (tail !== before?.tail) newBytes += tail?.bytes ?? 0;
  const isSame = before !== undefined && rootKey(before.identity) === rootKey(identity);
  const keys = new Set(isSame ? before.blocks : []);
  const known = keys.size;
  for (const { key } of chain) keys.add(key);
  if (isSame && known === keys.size && before.tail === tail && before.tokens === tokenIds.length) return newBytes;
  const cache: CacheManifest = {
    identity,
    blocks: [...keys],
    ...(tail === undefined ? {} : { tail }),
    tokens: tokenIds.length,
    bytes,
  };
  writer.change({ cache });
  await writer.commit();
  if (before?.tail !== undefined && before.tail !== tail) await writer.removeTail(before.tail.generation);
  return newBytes;
}

/** The tail's entry: the old one where it says the same, else a new generation, written by `write`. */
async function saveTail(
  before: TailManifest | undefined,
  parent: string,
  start: number,
  tokens: Int32Array,
  write: (generation: number) => Promise<number>,
): Promise<TailManifest | undefined> {
  if (tokens.length === 0) return undefined;
  if (before?.parent === parent && before.tokens.join() === tokens.join()) return before;
  const generation = (before?.generation ?? 0) + 1;
  return { generation, parent, start, tokens: [...tokens], bytes: await write(generation) };
}

function blockAt(table: readonly number[], index: number): number {
  const block = table[index];
  if (block === undefined) throw new RangeError(`a cache's table has no block ${index}`);
  return block;
}
