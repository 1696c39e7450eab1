import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { constants } from "node:os";
import path from "node:path";
import { ResidentError } from "../common/errors";
import type { DurableFiles } from "./ports";

/** Files that are only looked at: more at once would keep processors from a model's steps. */
export const looksInFlight = 8;

const ownerOnlyFile = 0o600;
const ownerOnlyFolder = 0o700;

export async function makeFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: ownerOnlyFolder });
}

/** What `access` finds at `file`, be it a file or a folder; `undefined` when there is nothing. */
export async function ifThere<T>(file: string, access: (file: string) => Promise<T>): Promise<T | undefined> {
  try {
    return await access(file);
  } catch (error) {
    if (errnoCode(error) === "ENOENT") return undefined;
    throw storeError(error, file);
  }
}

/** The file's bytes; `undefined` when there is no such file. */
export function readIfThere(file: string): Promise<Buffer | undefined> {
  return ifThere(file, (there) => readFile(there));
}

/** Differs for any two contents of a file that is only ever replaced by a rename; `undefined` when there is no such file. */
export function versionOf(file: string): Promise<string | undefined> {
  return ifThere(file, async (there) => {
    const { ino, mtimeNs, size } = await stat(there, { bigint: true });
    return `${ino} ${mtimeNs} ${size}`;
  });
}

export const durableFiles: DurableFiles = {
  async writeAt(file, position, bytes, sync = true) {
    try {
      const handle = await openForWriting(file);
      try {
        await handle.truncate(position);
        let written = 0;
        while (written < bytes.length) {
          const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
          written += bytesWritten;
        }
        if (sync) await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw storeError(error, file);
    }
  },

  async replace(file, bytes, durability = "kept") {
    const temporary = `${file}.tmp-${process.pid}`;
    try {
      const handle = await open(temporary, "w", ownerOnlyFile);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(temporary, file);
      if (durability === "kept") await syncFolder(path.dirname(file));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw storeError(error, file);
    }
  },
};

async function openForWriting(file: string) {
  try {
    return await open(file, "r+");
  } catch (error) {
    if (errnoCode(error) !== "ENOENT") throw error;
    return open(file, "w+", ownerOnlyFile);
  }
}

/** A rename is on disk only once its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function errnoCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** A file may not grow as large as it must: to the person that is a full disk. The addon names the system's number. */
function isOverLimit(error: unknown): boolean {
  return error instanceof ResidentError && error.facts["errno"] === constants.errno.EFBIG;
}

const fullDiskCodes = new Set(["ENOSPC", "EDQUOT", "EFBIG", "DISK_FULL"]);

/** Any failure of a file operation as one of ours. The addon's errors carry codes of the same meaning. */
export function storeError(error: unknown, file: string): ResidentError {
  const code = errnoCode(error) ?? "unknown";
  if (fullDiskCodes.has(code) || isOverLimit(error)) {
    return new ResidentError(
      "DISK_FULL",
      `there is no room on the disk for ${path.basename(file)}`,
      "free some space: what is in memory is kept and saved with the next turn",
      { path: file },
      error,
    );
  }
  if (error instanceof ResidentError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new ResidentError(
    "IO_FAILURE",
    `${path.basename(file)} could not be read or written (${message})`,
    "check that the folder is there and that you own it",
    { path: file, code },
    error,
  );
}
