/** Chooses and removes block objects when they take too much of the disk. */
import { listObjects, type StoredObject, type StoreUsage, usageOf } from "./objectFiles";
import { evict } from "./removals";

/** The least recently used objects to remove until the rest fits; `isNeeded` objects stay. Pure: removes nothing. */
export function chooseEvictions(
  objects: readonly StoredObject[],
  quotaBytes: number,
  isNeeded: (object: StoredObject) => boolean,
): readonly StoredObject[] {
  let excess = usageOf(objects).bytes - quotaBytes;
  const evictions: StoredObject[] = [];
  for (const object of [...objects].sort((a, b) => a.usedAtMs - b.usedAtMs)) {
    if (excess <= 0) break;
    if (isNeeded(object)) continue;
    evictions.push(object);
    excess -= object.bytes;
  }
  return evictions;
}

/** Share of the quota that an eviction keeps. Without free room every save would be followed by another eviction. */
export const keptShare = 0.95;

/** Keeps the store within its quota. Resolves with the remaining usage. O(objects). */
export async function enforceQuota(
  root: string,
  quotaBytes: number,
  isNeeded: (object: StoredObject) => boolean,
): Promise<StoreUsage> {
  const objects = await listObjects(root);
  const isTooLarge = usageOf(objects).bytes > quotaBytes;
  const evictions = isTooLarge ? chooseEvictions(objects, quotaBytes * keptShare, isNeeded) : [];
  await evict(root, evictions);
  const gone = new Set(evictions);
  return usageOf(objects.filter((object) => !gone.has(object)));
}
