/**
 * Reads files that the disk, another program or a user may have changed. Checks kind and size before it reads or
 * allocates anything, never waits for a writer when it opens a pipe, and continues short reads until all bytes are
 * there.
 */
import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import path from "node:path";
import { ResidentError } from "../common/errors";
import { ifThere, isOtherKind, storeError } from "./files";

/** Bytes that can be read at any position. */
export interface ByteSource {
  readonly bytes: number;
  /** Exactly `length` bytes. Throws IO_FAILURE when the file has become shorter. */
  read(position: number, length: number): Promise<Buffer>;
}

export const noBytes: ByteSource = {
  bytes: 0,
  read: async () => Buffer.alloc(0),
};

export class UntrustedFile implements ByteSource {
  private constructor(
    private readonly file: string,
    private readonly handle: FileHandle,
    readonly bytes: number,
  ) {}

  /** `undefined` when there is no such file. Throws STORE_CORRUPT when it is not a file, and IO_FAILURE. */
  static open(file: string): Promise<UntrustedFile | undefined> {
    return ifThere(file, async () => {
      const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY).catch((error) => {
        throw isOtherKind(error) ? notAFile(file, "not a file") : error;
      });
      try {
        const status = await handle.stat();
        if (!status.isFile()) throw notAFile(file, kindOf(status));
        return new UntrustedFile(file, handle, status.size);
      } catch (error) {
        await handle.close().catch(() => {});
        throw error;
      }
    });
  }

  async read(position: number, length: number): Promise<Buffer> {
    const into = Buffer.allocUnsafe(length);
    let done = 0;
    let emptyReads = 0;
    try {
      while (done < length) {
        const { bytesRead } = await this.handle.read(into, done, length - done, position + done);
        done += bytesRead;
        emptyReads = bytesRead === 0 ? emptyReads + 1 : 0;
        if (emptyReads === maxEmptyReads) throw new Error(`it ends at byte ${position + done}`);
      }
    } catch (error) {
      throw storeError(error, this.file);
    }
    return into;
  }

  close(): Promise<void> {
    return this.handle.close().catch(() => {});
  }
}

/**
 * Reads the whole file; `undefined` when there is none. Throws STORE_CORRUPT when it is no file or above `maxBytes`.
 */
export async function readUntrusted(file: string, maxBytes: number): Promise<Buffer | undefined> {
  const opened = await UntrustedFile.open(file);
  if (opened === undefined) return undefined;
  try {
    if (opened.bytes > maxBytes) throw corrupt(file, `has ${opened.bytes} bytes, more than ${maxBytes}`);
    return await opened.read(0, opened.bytes);
  } finally {
    await opened.close();
  }
}

/** Reads that return nothing before the expected end are repeated at most this often. */
const maxEmptyReads = 3;

export function kindOf(status: Stats): string {
  if (status.isDirectory()) return "a folder";
  if (status.isFIFO()) return "a pipe";
  if (status.isCharacterDevice() || status.isBlockDevice()) return "a device";
  return status.isSocket() ? "a socket" : "not a file";
}

function notAFile(file: string, kind: string): ResidentError {
  return corrupt(file, `is ${kind}, but must be a file`);
}

function corrupt(file: string, what: string): ResidentError {
  return new ResidentError("STORE_CORRUPT", `${path.basename(file)} ${what}`, "move it out of the way", { path: file });
}
