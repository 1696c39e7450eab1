import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { ResidentError } from "../common/errors";

/**
 * Opens a regular file for reading. Throws IO_FAILURE for a folder, a FIFO, a device and a link to them; never waits for
 * another process, as opening a FIFO would. Resolves with the file's length too.
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

/** A whole file. Throws IO_FAILURE where it is longer than `maxBytes` or is no regular file. */
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

/** What `readFully` needs of a file handle. */
export interface ReadableHandle {
  read(buffer: Uint8Array, offset: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
}

/** Fills `buffer` from `position`; returns how many bytes there were. A read may always give less than was asked for. */
export async function readFully(handle: ReadableHandle, buffer: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
