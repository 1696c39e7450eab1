import type { FileHandle } from "node:fs/promises";
import { openRegularFile, readFully } from "./regularFile";

/** Random access to bytes: what the file readers need of a file, so that tests can hand them an array. */
export interface ByteSource {
  readonly size: number;
  /** Fills `buffer` from `position` on; returns how many bytes there were, fewer only at the end. */
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
