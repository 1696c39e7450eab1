/** What the block objects take on disk, and which go when that is too much. */
import { readdir, rm, stat } from "node:fs/promises";
import path from "node:path";
import { inBatches } from "../common/batches";
import { ifThere, looksInFlight } from "./files";
import { keyOfFile } from "./windowFiles";

export interface StoredObject {
  readonly path: string;
  readonly key: string;
  readonly bytes: number;
  /** Last use, milliseconds since 1970. */
  readonly usedAtMs: number;
}

export interface StoreUsage {
  readonly objects: number;
  readonly bytes: number;
}

/** All block objects under `root`, any model's. Leftovers of broken writes are not objects; `removeLeftovers` drops them. */
export async function listObjects(root: string): Promise<readonly StoredObject[]> {
  const files = (await filesUnder(root)).filter((file) => file.endsWith(objectSuffix));
  const objects = await inBatches(files, looksInFlight, objectAt);
  return objects.filter((object) => object !== undefined);
}

/** `undefined`: it is gone. */
function objectAt(file: string): Promise<StoredObject | undefined> {
  return ifThere(file, async (there) => {
    const { size, mtimeMs } = await stat(there);
    return { path: there, key: keyOfFile(path.basename(there)), bytes: size, usedAtMs: mtimeMs };
  });
}

export function usageOf(objects: readonly StoredObject[]): StoreUsage {
  return { objects: objects.length, bytes: objects.reduce((sum, object) => sum + object.bytes, 0) };
}

/** Least recently used first, until what is left fits; objects that `isNeeded` stay. Pure: says which, removes nothing. */
export function chooseEvictions(
  objects: readonly StoredObject[],
  quotaBytes: number,
  isNeeded: (key: string) => boolean,
): readonly StoredObject[] {
  let excess = usageOf(objects).bytes - quotaBytes;
  const evictions: StoredObject[] = [];
  for (const object of [...objects].sort((a, b) => a.usedAtMs - b.usedAtMs)) {
    if (excess <= 0) break;
    if (isNeeded(object.key)) continue;
    evictions.push(object);
    excess -= object.bytes;
  }
  return evictions;
}

/** What is left of the quota after an eviction: one that leaves no room would be followed by one after every save. */
export const keptShare = 0.95;

/** Keeps the store within its quota. Resolves with what is left. Looks at every object. */
export async function enforceQuota(
  root: string,
  quotaBytes: number,
  isNeeded: (key: string) => boolean,
): Promise<StoreUsage> {
  const objects = await listObjects(root);
  const isTooLarge = usageOf(objects).bytes > quotaBytes;
  const evictions = isTooLarge ? chooseEvictions(objects, quotaBytes * keptShare, isNeeded) : [];
  for (const object of evictions) await rm(object.path, { force: true });
  const gone = new Set(evictions);
  return usageOf(objects.filter((object) => !gone.has(object)));
}

/** Removes temporary files that a process left when it died: those older than `olderThanMs`. */
export async function removeLeftovers(root: string, olderThanMs: number, nowMs: number): Promise<void> {
  for (const file of await filesUnder(root)) {
    if (!path.basename(file).includes(".tmp-")) continue;
    const age = await stat(file).then(
      ({ mtimeMs }) => nowMs - mtimeMs,
      () => 0,
    );
    if (age > olderThanMs) await rm(file, { force: true });
  }
}

const objectSuffix = ".safetensors";

async function filesUnder(folder: string): Promise<readonly string[]> {
  const entries = (await ifThere(folder, (there) => readdir(there, { withFileTypes: true }))) ?? [];
  const lists = await Promise.all(
    entries.map((entry) => {
      const full = path.join(folder, entry.name);
      return entry.isDirectory() ? filesUnder(full) : [full];
    }),
  );
  return lists.flat();
}
