import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { ResidentError } from "../common/errors";

/**
 * Opens a regular file for reading. Throws IO_FAILURE for a folder, a FIFO, a device and a link to one; never waits for
 * another process, as opening a FIFO could. Also resolves with the file's length.
 */
export async function openRegularFile(file: string): Promise<{ readonly handle: FileHandle; readonly size: number }> {
  const handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stats = await handle.stat();
    if (!stats.isFile()) {
      throw new ResidentError("IO_FAILURE", `${file} is not a regular file`, "put the file itself there", {
        path: file,
      });
    }
    return { handle, size: stats.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Reads a whole file. Throws IO_FAILURE when it is longer than `maxBytes` or not a regular file. */
export async function readRegularFile(file: string, maxBytes: number): Promise<Buffer> {
  const { handle, size } = await openRegularFile(file);
  try {
    if (size > maxBytes) {
      throw new ResidentError(
        "IO_FAILURE",
        `${file} has ${size} bytes, more than the ${maxBytes} that such a file may have`,
        "check that it is the right file",
        { path: file, bytes: size, maxBytes },
      );
    }
    const buffer = Buffer.alloc(size);
    return buffer.subarray(0, await readFully(handle, buffer, 0));
  } finally {
    await handle.close();
  }
}

/** The part of a file handle that `readFully` needs. */
export interface ReadableHandle {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
}

/** Fills `buffer` from `position`; returns the number of bytes read. Repeats short reads until the end of the file. */
export async function readFully(handle: ReadableHandle, buffer: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
