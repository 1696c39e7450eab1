/**
 * Paths of block objects under the store's root: <folder of the model>/<first two digits of the key>/<key>.safetensors.
 */
import { readdir, stat } from "node:fs/promises";
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

const objectSuffix = ".safetensors";

export function objectPath(root: string, folder: string, key: string): string {
  return path.join(root, folder, key.slice(0, 2), `${key}${objectSuffix}`);
}

/**
 * All block objects of all models under `root`, one folder at a time. Leftovers of unfinished writes are not objects.
 */
export async function* objectsIn(root: string): AsyncGenerator<readonly StoredObject[]> {
  for await (const files of foldersIn(root)) {
    const objects = await inBatches(
      files.filter((file) => file.endsWith(objectSuffix)),
      looksInFlight,
      objectAt,
    );
    yield objects.filter((object) => object !== undefined);
  }
}

export async function listObjects(root: string): Promise<readonly StoredObject[]> {
  const objects: StoredObject[] = [];
  for await (const found of objectsIn(root)) objects.push(...found);
  return objects;
}

/** `undefined`: it is gone or not a file. */
export function objectAt(file: string): Promise<StoredObject | undefined> {
  return ifThere(file, async (there) => {
    const status = await stat(there);
    if (!status.isFile()) return undefined;
    return { path: there, key: keyOfFile(path.basename(there)), bytes: status.size, usedAtMs: status.mtimeMs };
  });
}

export function usageOf(objects: readonly StoredObject[]): StoreUsage {
  return { objects: objects.length, bytes: objects.reduce((sum, object) => sum + object.bytes, 0) };
}

/** The files of each folder under `root`, one folder at a time. */
export async function* foldersIn(folder: string): AsyncGenerator<readonly string[]> {
  const entries = (await ifThere(folder, (there) => readdir(there, { withFileTypes: true }))) ?? [];
  yield entries.filter((entry) => entry.isFile()).map((entry) => path.join(folder, entry.name));
  for (const entry of entries) if (entry.isDirectory()) yield* foldersIn(path.join(folder, entry.name));
}
