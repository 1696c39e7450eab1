import { rootKey } from "./blockIdentity";
import type { BlockStore } from "./blockStore";
import type { CacheManifest, Manifest } from "./manifest";

/** Keys that one of `manifests` refers to. Keys of different identities never meet: they are digests over it. */
export function referencedKeys(manifests: readonly Manifest[]): ReadonlySet<string> {
  return new Set(manifests.flatMap((manifest) => manifest.cache?.blocks ?? []));
}

/** Removes the objects of a deleted agent's cache that none of the `remaining` agents refers to. */
export async function removeUnshared(
  store: BlockStore,
  cache: CacheManifest,
  remaining: readonly Manifest[],
): Promise<void> {
  const needed = referencedKeys(remaining);
  for (const key of cache.blocks) {
    if (!needed.has(key)) await store.remove(cache.identity, key);
  }
}

/** Keys of what a cache saved, if it can be of use to `root`'s model and numerics at all. */
export function claimedKeys(cache: CacheManifest | undefined, root: string): ReadonlySet<string> {
  return new Set(cache !== undefined && rootKey(cache.identity) === root ? cache.blocks : []);
}
