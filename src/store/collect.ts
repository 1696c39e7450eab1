/**
 * Removes unreferenced block objects of every identity, and temporary files that dead processes have left next to them.
 */
import { readdir, rm } from "node:fs/promises";
import { ifThere } from "./files";
import { folderOfGroup, type KeyGroups } from "./keyFile";
import { foldersIn, objectAt, objectPath, objectsIn, type StoredObject, type StoreUsage, usageOf } from "./objectFiles";
import type { ReferenceReader, References } from "./references";
import { removeUnreferenced } from "./removals";
import { isAbandoned } from "./temporaryFiles";
import { windowPath } from "./windowFiles";

/**
 * Younger objects stay: a block that has left its window is written before its agent refers to it, and other versions
 * of this program refer to what they wrote only at the end of a save.
 */
const graceMs = 60 * 60_000;

export interface CollectOptions {
  readonly nowMs: number;
  readonly graceMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Called with the number of objects checked so far. */
  readonly onProgress?: (objects: number) => void;
}

export interface CollectReport {
  readonly removed: StoreUsage;
  /** Number of removed files from writes that never finished. */
  readonly temporaryFiles: number;
  /** Objects that are unreferenced but too young to be removed. */
  readonly young: StoreUsage;
  /** Agents whose unknown references prevented the removal of objects. */
  readonly unknown: References["unknown"];
}

export async function collectGarbage(
  root: string,
  references: ReferenceReader,
  options: CollectOptions,
): Promise<CollectReport> {
  const usedBeforeMs = options.nowMs - (options.graceMs ?? graceMs);
  const { unknown, isReferenced } = await references.read();
  const temporaryFiles = await removeAbandoned(root, options.nowMs);
  const found = { old: [] as StoredObject[], young: [] as StoredObject[] };
  let seen = 0;
  for await (const objects of objectsIn(root)) {
    if (options.signal?.aborted === true) break;
    for (const object of objects) {
      if (!isReferenced(object.key)) (object.usedAtMs < usedBeforeMs ? found.old : found.young).push(object);
    }
    seen += objects.length;
    options.onProgress?.(seen);
  }
  const choice = {
    references: async () => whereKnown(await references.read()),
    usedBeforeMs,
    signal: options.signal,
  };
  const removed = await removeUnreferenced(root, unknown.length > 0 ? [] : found.old, choice);
  const isKept = found.old.length > removed.objects;
  return { removed, temporaryFiles, young: usageOf(found.young), unknown: isKept ? unknown : [] };
}

/** Removes the objects of a deleted agent that no other agent refers to. */
export async function removeObjectsOf(
  root: string,
  references: ReferenceReader,
  groups: KeyGroups,
): Promise<StoreUsage> {
  const { isReferenced } = await references.read();
  const candidates: StoredObject[] = [];
  for (const [group, keys] of groups) {
    const folder = folderOfGroup(group);
    const folders = folder === undefined ? await modelFolders(root) : [folder];
    for (const key of keys.keys()) {
      if (isReferenced(key)) continue;
      for (const file of folders.map((name) => objectPath(root, name, key))) {
        const objects = await Promise.all([file, windowPath(file)].map(objectAt));
        candidates.push(...objects.filter((object) => object !== undefined));
      }
    }
  }
  return removeUnreferenced(root, candidates, { references: async () => (await references.read()).isReferenced });
}

/** When the references of any agent are unknown, every object counts as referenced. */
function whereKnown({ isReferenced, unknown }: References): (key: string) => boolean {
  return unknown.length > 0 ? () => true : isReferenced;
}

async function modelFolders(root: string): Promise<readonly string[]> {
  const entries = (await ifThere(root, (there) => readdir(there, { withFileTypes: true }))) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}

async function removeAbandoned(root: string, nowMs: number): Promise<number> {
  let removed = 0;
  for await (const files of foldersIn(root)) {
    for (const file of files) {
      if (!(await isAbandoned(file, nowMs))) continue;
      await rm(file, { force: true });
      removed += 1;
    }
  }
  return removed;
}
