import { randomBytes } from "node:crypto";
import { lstat, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { InvalidRequestError } from "../common/errors";
import { removeAbandoned } from "./gguf/stagedFolder";
import { folderBytes, lockDownload, type TryLock } from "./hub/downloadFolder";
import { systemCode, toIoError } from "./ioErrors";
import { notFound } from "./modelErrors";

const prefix = ".deleting-";

/**
 * Deletes a model's folder; resolves with the bytes that it took. It loses its name first, so that no half of it is ever
 * taken for a model. Throws INVALID_REQUEST for a download that goes on at the moment.
 */
export async function deleteModelFolder(directory: string, tryLock: TryLock): Promise<number> {
  try {
    await lstat(directory);
    const lock = await lockDownload(directory, tryLock);
    try {
      const bytes = await folderBytes(directory);
      await removeDeleted(dirname(directory));
      const doomed = join(dirname(directory), `${prefix}${process.pid}-${randomBytes(6).toString("hex")}`);
      await rename(directory, doomed);
      await rm(doomed, { recursive: true, force: true });
      return bytes;
    } finally {
      lock?.release();
    }
  } catch (error) {
    if (systemCode(error) === "ENOENT") throw notFound(`there is no folder ${directory}`, { directory });
    throw toIoError(error, "deleting the model", directory);
  }
}

/** Ends the deletions in `folder` whose process was killed. */
export function removeDeleted(folder: string): Promise<void> {
  return removeAbandoned(folder, prefix);
}

export function notOurs(directory: string): InvalidRequestError {
  return new InvalidRequestError(
    `${directory} is not a model that Resident imported or downloaded`,
    "delete it where it came from",
    { directory },
  );
}
