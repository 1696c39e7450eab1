/**
 * Removes what killed processes left in the agents' folder: unfinished deletions, agents that were never completed,
 * files of unfinished saves, and tails that no manifest names. Runs at start. Skips folders whose lock another process
 * holds.
 */
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { withNamesLock } from "./agentNames";
import { type AgentReader, isSafeId } from "./agentReader";
import { isTemporary } from "./files";
import { lockProblem } from "./lockWatch";
import { agentFiles, tailGenerationOf } from "./manifest";
import type { FileLock, FileLocks } from "./ports";

/** Name prefixes of an agent's folder that is being deleted, and of one that is being created. */
export const deletedPrefix = ".deleted-";
export const newPrefix = ".new-";

/** Called with the folder of a deleted agent, after it was renamed and before it is removed. */
export type OnDeleted = (folder: string) => Promise<void>;

/**
 * Removes the folder of a deleted agent and the objects that only it used. If the objects fail, a collection removes
 * them.
 */
export async function removeDeleted(folder: string, onDeleted: OnDeleted): Promise<void> {
  await ignoreFailure(() => onDeleted(folder));
  await removeAll(folder);
}

/** How a sweep locks: agents as this process's own, so that its lists do not show them as somebody else's meanwhile. */
export interface SweepLocks {
  readonly locks: () => FileLocks;
  /** `undefined`: somebody holds it. */
  readonly lockAgent: (id: string) => FileLock | undefined;
}

/** Never rejects: the next sweep tries again what cannot be removed now. */
export async function sweepAgents(
  reader: AgentReader,
  { locks, lockAgent }: SweepLocks,
  onDeleted: OnDeleted,
): Promise<void> {
  const { root } = reader;
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  for (const name of folders) if (name.startsWith(deletedPrefix)) await removeDeleted(path.join(root, name), onDeleted);
  const unmade = folders.filter((name) => name.startsWith(newPrefix));
  if (unmade.length > 0) await ignoreFailure(async () => sweepUnmade(root, unmade, locks()));
  for (const id of folders) if (isSafeId(id)) await ignoreFailure(() => sweepFolder(reader, id, () => lockAgent(id)));
}

/** Under the names lock: a folder that is being created has no lock of its own for a moment. */
function sweepUnmade(root: string, names: readonly string[], locks: FileLocks): Promise<void> {
  return withNamesLock(
    root,
    locks,
    async () => {
      for (const name of names) {
        const folder = path.join(root, name);
        const lock = path.join(folder, agentFiles.lock);
        await whenUnlocked(
          lock,
          () => locks.tryLock(lock),
          () => removeAll(folder),
        );
      }
    },
    0,
  );
}

async function sweepFolder(reader: AgentReader, id: string, takeLock: () => FileLock | undefined): Promise<void> {
  const names = await readdir(reader.folder(id));
  const holds = (name: string) => names.includes(name);
  const isEmpty = !holds(agentFiles.manifest) && !holds(agentFiles.turns) && !holds(agentFiles.tokens);
  const leftovers = names.filter((name) => isTemporary(name) || tailGenerationOf(name) !== undefined);
  const lock = reader.file(id, "lock");
  if (isEmpty && names.every((name) => name === agentFiles.lock || isTemporary(name))) {
    return whenUnlocked(lock, takeLock, () => removeAll(reader.folder(id)));
  }
  const generation = (await reader.manifest(id)).cache?.tail?.generation;
  const isLeft = (name: string, current: number | undefined) => isTemporary(name) || tailGenerationOf(name) !== current;
  if (!leftovers.some((name) => isLeft(name, generation))) return;
  await whenUnlocked(lock, takeLock, async () => {
    // Read again under the lock: a save may have ended meanwhile.
    const current = (await reader.manifest(id)).cache?.tail?.generation;
    for (const name of leftovers)
      if (isLeft(name, current)) await rm(path.join(reader.folder(id), name), { force: true });
  });
}

async function whenUnlocked(
  file: string,
  takeLock: () => FileLock | undefined,
  work: () => Promise<void>,
): Promise<void> {
  if ((await lockProblem(file)) !== undefined) return;
  const lock = takeLock();
  if (lock === undefined) return;
  try {
    await work();
  } finally {
    lock.release();
  }
}

function removeAll(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true }).catch(() => {});
}

async function ignoreFailure(work: () => Promise<void>): Promise<void> {
  await work().catch(() => {});
}
