/** Which block objects go when they take too much of the disk. */
import { listObjects, type StoredObject, type StoreUsage, usageOf } from "./objectFiles";
import { evict } from "./removals";

/** Least recently used first, until what is left fits; objects that `isNeeded` stay. Pure: says which, removes nothing. */
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

/** What is left of the quota after an eviction: one that leaves no room would be followed by one after every save. */
export const keptShare = 0.95;

/** Keeps the store within its quota. Resolves with what is left. Looks at every object. */
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
