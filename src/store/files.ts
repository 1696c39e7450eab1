import { randomBytes } from "node:crypto";
import { constants as fileFlags } from "node:fs";
import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { constants } from "node:os";
import path from "node:path";
import { errnoCode } from "../common/errno";
import { ResidentError } from "../common/errors";
import type { Durability, DurableFiles } from "./ports";

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

/** Differs for any two contents of a file that is only ever replaced by a rename; `undefined` when there is no such file. */
export function versionOf(file: string): Promise<string | undefined> {
  return ifThere(file, async (there) => {
    try {
      const { ino, mtimeNs, size } = await stat(there, { bigint: true });
      return `${ino} ${mtimeNs} ${size}`;
    } catch (error) {
      if (isOtherKind(error)) return undefined;
      throw error;
    }
  });
}

const otherKinds = new Set(["ELOOP", "ENXIO", "ENODEV", "ENOTDIR", "EISDIR"]);

/** The path leads to something that is no file and never was: a link to itself, a socket, a device that is not there. */
export function isOtherKind(error: unknown): boolean {
  return otherKinds.has(errnoCode(error) ?? "");
}

/** Puts what was written to an open file on disk; what is synced later does not get there before it. */
export type SyncFile = (handle: FileHandle, file: string) => Promise<void>;

/** Node's own: on macOS it empties the drive's memory each time. */
export const durableFiles: DurableFiles = durableFilesWith((handle) => handle.sync());

/**
 * A commit's files are synced by `syncFile` and then renamed; the folder's sync at its end is the system's full one, and
 * what was synced before it is on disk with it.
 */
export function durableFilesWith(syncFile: SyncFile): DurableFiles {
  return { writeAt, replace };

  async function writeAt(file: string, position: number, bytes: Uint8Array, sync = true): Promise<void> {
    try {
      const handle = await openForWriting(file);
      try {
        const status = await handle.stat();
        if (!status.isFile()) throw new Error("it is no file");
        // A gap of zeros would be damage of our own making.
        if (status.size < position) throw new Error(`it has ${status.size} of the ${position} bytes that were saved`);
        await handle.truncate(position);
        await writeAll(handle, bytes, position);
        if (sync) await syncFile(handle, file);
      } finally {
        await handle.close();
      }
    } catch (error) {
      throw storeError(error, file);
    }
  }

  async function replace(
    file: string,
    bytes: Uint8Array,
    durability: Durability = "kept",
    after?: Promise<void>,
  ): Promise<void> {
    const temporary = temporaryName(file);
    try {
      const handle = await open(temporary, "wx", ownerOnlyFile);
      try {
        await writeAll(handle, bytes, 0);
        await syncFile(handle, temporary);
      } finally {
        await handle.close();
      }
      await after;
      await rename(temporary, file);
      if (durability === "kept") await syncFolder(path.dirname(file));
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => {});
      throw storeError(error, file);
    }
  }
}

/** Names of files that a save begins and renames. No two are ever the same: what a dead process left is in nobody's way. */
function temporaryName(file: string): string {
  return `${file}${temporaryMark}${process.pid}-${randomBytes(6).toString("hex")}`;
}

/** In the name of a file that is being written, or was moved aside: pid and more follow. */
export const temporaryMark = ".tmp-";

/** A save that a process began and never ended, ours or the addon's. */
export function isTemporary(name: string): boolean {
  return name.includes(temporaryMark);
}

async function openForWriting(file: string): Promise<FileHandle> {
  try {
    return await open(file, readWrite);
  } catch (error) {
    if (errnoCode(error) !== "ENOENT") throw error;
    return open(file, "wx+", ownerOnlyFile);
  }
}

/** Never waits: a pipe may be where the file was. */
const readWrite = fileFlags.O_RDWR | fileFlags.O_NONBLOCK | fileFlags.O_NOCTTY;

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written, position + written);
    if (bytesWritten === 0) throw new Error(`nothing more was written after ${written} of ${bytes.length} bytes`);
    written += bytesWritten;
  }
}

/**
 * A rename is on disk only once its folder is. The rename has taken place by then, and everybody sees it: calling it off
 * here would make what is in memory differ from what is on disk. Some file systems cannot sync folders at all.
 */
export async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    // Only a failure of power could undo the rename now.
    if (errnoCode(error) === undefined) throw error;
  }
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
