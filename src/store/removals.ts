/**
 * How block objects leave the store while this and other processes write to it.
 *
 * A save (1) appends its keys to the agent's key file, (2) reads the mark of removals and forgets what it knows where the
 * mark has changed, (3) looks for each object that it does not know and writes what is not there, (4) commits the
 * manifest. Who removes what nobody refers to (1) moves objects aside, (2) changes the mark, (3) reads all key files
 * again, (4) moves back what is referred to by now and deletes the rest. Either the save's keys were appended before they
 * were read again, and the object is moved back; or the save reads the changed mark, looks, and writes the object anew.
 * So no manifest is committed over an object that was taken away.
 *
 * An eviction takes objects that are referred to. It changes the mark too: each process looks again with its next save,
 * and what is missing then is written anew where it still is in memory.
 */

import { randomBytes } from "node:crypto";
import { rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { temporaryMark } from "./files";
import { objectAt, type StoredObject, type StoreUsage, usageOf } from "./objectFiles";
import { readUntrusted } from "./untrustedFile";

const markName = "removals";
const markBytes = 16;
/** Objects that are away at the same time. */
const objectsAside = 256;

/** What changes with every removal; `undefined`: nothing was ever removed. */
export async function readRemovalsMark(root: string): Promise<string | undefined> {
  return (await readUntrusted(path.join(root, markName), markBytes))?.toString("hex");
}

/** A disk that is too full for it costs somebody a second reading. */
async function markRemoval(root: string): Promise<void> {
  await writeFile(path.join(root, markName), randomBytes(markBytes), { mode: 0o600 }).catch(() => {});
}

interface Aside {
  readonly object: StoredObject;
  readonly path: string;
}

export interface RemovalChoice {
  /** Whether somebody refers to an object now. Asked after the objects were moved aside. */
  readonly references: () => Promise<(key: string) => boolean>;
  /** Objects that were used since stay. Milliseconds since 1970; absent: none does. */
  readonly usedBeforeMs?: number;
  /** Ends the removal between two batches. */
  readonly signal?: AbortSignal | undefined;
}

/** Removes those of `candidates` that nobody refers to. Resolves with what was removed. */
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
      // Where the references could not be read, nothing was proven: everything goes back.
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

/** Removes objects whoever refers to them. */
export async function evict(root: string, objects: readonly StoredObject[]): Promise<void> {
  for (const object of objects) await rm(object.path, { force: true });
  if (objects.length > 0) await markRemoval(root);
}
