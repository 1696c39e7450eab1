/**
 * What processes that were killed have left among the agents: deletions that are not finished, agents that were never
 * made, files of saves that never ended, tails that no manifest names. Whoever starts next finishes it. Locks tell what
 * somebody is still at work on; that is left alone.
 */
import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import { withNamesLock } from "./agentNames";
import { type AgentReader, isSafeId } from "./agentReader";
import { isTemporary } from "./files";
import { lockProblem } from "./lockWatch";
import { agentFiles, tailGenerationOf } from "./manifest";
import type { FileLocks } from "./ports";

/** An agent's folder on its way out, and one that is being made. */
export const deletedPrefix = ".deleted-";
export const newPrefix = ".new-";

/** Called with the folder of a deleted agent, once nobody sees it as one any more and before it is removed. */
export type OnGone = (folder: string) => Promise<void>;

/** Removes the folder of a deleted agent and what only it used. What it used goes later where that fails now. */
export async function removeGone(folder: string, onGone: OnGone): Promise<void> {
  await ignoreFailure(() => onGone(folder));
  await removeAll(folder);
}

/** Never rejects: what cannot be removed is left for the next time. */
export async function sweepAgents(reader: AgentReader, locks: () => FileLocks, onGone: OnGone): Promise<void> {
  const { root } = reader;
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  for (const name of folders) if (name.startsWith(deletedPrefix)) await removeGone(path.join(root, name), onGone);
  const unmade = folders.filter((name) => name.startsWith(newPrefix));
  if (unmade.length > 0) await ignoreFailure(async () => sweepUnmade(root, unmade, locks()));
  for (const id of folders) if (isSafeId(id)) await ignoreFailure(() => sweepFolder(reader, id, locks));
}

/** Under the lock of names: there is a moment in which a folder that is being made has no lock of its own yet. */
function sweepUnmade(root: string, names: readonly string[], locks: FileLocks): Promise<void> {
  return withNamesLock(
    root,
    locks,
    async () => {
      for (const name of names) {
        const folder = path.join(root, name);
        await whenUnlocked(path.join(folder, agentFiles.lock), locks, () => removeAll(folder));
      }
    },
    0,
  );
}

async function sweepFolder(reader: AgentReader, id: string, locks: () => FileLocks): Promise<void> {
  const names = await readdir(reader.folder(id));
  const holds = (name: string) => names.includes(name);
  const isEmpty = !holds(agentFiles.manifest) && !holds(agentFiles.turns) && !holds(agentFiles.tokens);
  const leftovers = names.filter((name) => isTemporary(name) || tailGenerationOf(name) !== undefined);
  const lock = reader.file(id, "lock");
  if (isEmpty && names.every((name) => name === agentFiles.lock || isTemporary(name))) {
    return whenUnlocked(lock, locks(), () => removeAll(reader.folder(id)));
  }
  const generation = (await reader.manifest(id)).cache?.tail?.generation;
  const isLeft = (name: string, current: number | undefined) => isTemporary(name) || tailGenerationOf(name) !== current;
  if (!leftovers.some((name) => isLeft(name, generation))) return;
  await whenUnlocked(lock, locks(), async () => {
    // As it is under the lock: a save may have ended meanwhile.
    const current = (await reader.manifest(id)).cache?.tail?.generation;
    for (const name of leftovers)
      if (isLeft(name, current)) await rm(path.join(reader.folder(id), name), { force: true });
  });
}

async function whenUnlocked(file: string, locks: FileLocks, work: () => Promise<void>): Promise<void> {
  if ((await lockProblem(file)) !== undefined) return;
  const lock = locks.tryLock(file);
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
