/**
 * Removes block objects from the store while this and other processes write to it.
 *
 * A save (1) appends its keys to the agent's key file, (2) reads the mark of removals and drops its list of known files
 * if the mark has changed, (3) checks each object that is not in the list and writes missing ones, (4) commits the
 * manifest. A removal of unreferenced objects (1) moves them aside, (2) changes the mark, (3) reads all key files
 * again, (4) moves back the objects that are referenced by now and deletes the rest. Either the save appended its keys
 * before the removal read them again, and the object is moved back; or the save reads the changed mark, checks the
 * object and writes it again. So no manifest is committed that refers to a removed object.
 *
 * An eviction removes referenced objects. It changes the mark too: each process checks again in its next save and
 * writes missing objects again if they are still in memory.
 */

import { randomBytes } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { temporaryMark } from "./files";
import { objectAt, type StoredObject, type StoreUsage, usageOf } from "./objectFiles";
import { readUntrusted } from "./untrustedFile";

const markName = "removals";
const markBytes = 16;
/** Most objects that are moved aside at the same time. */
const objectsAside = 256;

/** A mark that changes with every removal; `undefined`: nothing was ever removed. */
export async function readRemovalsMark(root: string): Promise<string | undefined> {
  return (await readUntrusted(path.join(root, markName), markBytes))?.toString("hex");
}

/** A failed write, for example on a full disk, only costs another process a second prefill. */
async function markRemoval(root: string): Promise<void> {
  await writeFile(path.join(root, markName), randomBytes(markBytes), { mode: 0o600 }).catch(() => {});
}

interface Aside {
  readonly object: StoredObject;
  readonly path: string;
}

export interface RemovalChoice {
  /** Resolves with a test for whether an object is referenced now. Called after the objects were moved aside. */
  readonly references: () => Promise<(key: string) => boolean>;
  /** Objects used at or after this time stay. Milliseconds since 1970; absent: the time of use does not matter. */
  readonly usedBeforeMs?: number;
  /** Ends the removal between two batches. */
  readonly signal?: AbortSignal | undefined;
}

/** Removes the unreferenced ones of `candidates`. Resolves with what was removed. */
export async function removeUnreferenced(
  root: string,
  candidates: readonly StoredObject[],
  { references, usedBeforeMs = Number.POSITIVE_INFINITY, signal }: RemovalChoice,
): Promise<StoreUsage> {
  const removed: StoredObject[] = [];
  for (let from = 0; from < candidates.length && signal?.aborted !== true; from += objectsAside) {
    const aside: Aside[] = [];
    try {
      for (const object of candidates.slice(from, from + objectsAside)) {
        const moved = await moveAside(object);
        if (moved !== undefined) aside.push(moved);
      }
      await markRemoval(root);
      const isReferenced = await references();
      for (let one = aside.at(-1); one !== undefined; one = aside.at(-1)) {
        const used = (await objectAt(one.path))?.usedAtMs ?? 0;
        if (isReferenced(one.object.key) || used >= usedBeforeMs) await rename(one.path, one.object.path);
        else {
          await rm(one.path, { force: true });
          removed.push(one.object);
        }
        aside.pop();
      }
    } finally {
      // When the references could not be read, move everything back.
      for (const one of aside) await rename(one.path, one.object.path).catch(() => {});
    }
  }
  return usageOf(removed);
}

/** `undefined`: it is gone already. */
async function moveAside(object: StoredObject): Promise<Aside | undefined> {
  const aside = `${object.path}${temporaryMark}${process.pid}-aside`;
  try {
    await rename(object.path, aside);
    return { object, path: aside };
  } catch {
    return undefined;
  }
}

/** Removes objects even if they are referenced. */
export async function evict(root: string, objects: readonly StoredObject[]): Promise<void> {
  for (const object of objects) await rm(object.path, { force: true });
  if (objects.length > 0) await markRemoval(root);
}
