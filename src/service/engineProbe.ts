import { rm } from "node:fs/promises";
import path from "node:path";
import type { EngineProbe, StoredCache } from "../bench/engineProbe";
import { AbortedError, InvalidRequestError } from "../common/errors";
import { greedy } from "../engine/ports";
import { BlockStore } from "../store/blockStore";
import type { LoadedModel } from "./modelHost";

const owner = "bench";

/** The loaded model as suites see it. Blocks and files that it uses are released and removed. */
export function engineProbe(
  loaded: () => LoadedModel | undefined,
  scratch: string,
  addon: Pick<EngineProbe, "footprintBytes" | "samplingMs">,
): EngineProbe {
  const current = () => {
    const model = loaded();
    if (model === undefined) throw new InvalidRequestError("no model is loaded", "load one first");
    return model;
  };
  return {
    footprintBytes: () => addon.footprintBytes(),
    samplingMs: (...sizes) => addon.samplingMs(...sizes),
    onRun: (listener) => current().runner.onRun(listener),
    storeCache: (tokens) => storeCache(current(), tokens, path.join(scratch, `restore-${Date.now()}`)),
    readAhead: async (tokens, signal) => {
      const { session, info } = current();
      const generation = session.engine.submit({
        owner,
        tokens: drawnIds(tokens, info.vocabSize),
        sampling: greedy,
        stopIds: [],
        maxTokens: 0,
        priority: "low",
      });
      const abort = () => generation.abort();
      signal.addEventListener("abort", abort, { once: true });
      if (signal.aborted) abort();
      const { blocks } = await generation.result.finally(() => signal.removeEventListener("abort", abort));
      blocks.release();
    },
  };
}

async function storeCache({ session, info }: LoadedModel, tokens: number, folder: string): Promise<StoredCache> {
  const { engine, files, identity } = session;
  const store = new BlockStore(folder);
  const ids = drawnIds(Math.ceil(tokens / identity.blockTokens) * identity.blockTokens, info.vocabSize);
  const chain = store.chain(identity, ids);
  /** Runs `work` with blocks that are in no table. */
  const withBlocks = async <T>(work: (blocks: readonly number[]) => Promise<T>): Promise<T> => {
    const restore = await engine.beginRestoreInTurn({ owner, tokens: ids }, chain.length);
    if (restore === undefined) throw new AbortedError();
    try {
      return await work(restore.targets.map(({ block }) => block));
    } finally {
      restore.cancel();
    }
  };
  // The contents of the blocks do not matter if they are restored unchanged.
  await withBlocks(async (blocks) => {
    for (const [index, block] of blocks.entries()) {
      const stored = chain[index];
      if (stored !== undefined) await store.write(files, identity, stored, block);
    }
  });
  return {
    restore: () =>
      withBlocks(async (blocks) => {
        const found = await store.findPresent(chain);
        const present = chain.slice(0, Math.min(found.present, blocks.length));
        const { loaded, refused } = await store.load(files, identity, present, blocks);
        if (refused !== undefined) throw new Error(`a block that was just written was refused: ${refused.reason}`);
        return loaded * identity.blockTokens;
      }),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
}

function drawnIds(count: number, vocabSize: number): Int32Array {
  return Int32Array.from({ length: count }, () => Math.floor(Math.random() * vocabSize));
}
