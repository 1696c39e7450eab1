import type { FileHandle } from "node:fs/promises";
import { openRegularFile, readFully } from "./regularFile";

/** Random access to bytes: all that the file readers need from a file, so that tests can pass an array. */
export interface ByteSource {
  readonly size: number;
  /** Fills `buffer` from `position` on; returns the number of bytes read, fewer only at the end. */
  read(buffer: Uint8Array, position: number): Promise<number>;
}

export class FileSource implements ByteSource {
  private constructor(
    private readonly handle: FileHandle,
    readonly size: number,
  ) {}

  static async open(path: string): Promise<FileSource> {
    const { handle, size } = await openRegularFile(path);
    return new FileSource(handle, size);
  }

  read(buffer: Uint8Array, position: number): Promise<number> {
    return readFully(this.handle, buffer, position);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
