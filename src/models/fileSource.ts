import { type FileHandle, open } from "node:fs/promises";

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
    const handle = await open(path, "r");
    try {
      return new FileSource(handle, (await handle.stat()).size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async read(buffer: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await this.handle.read(buffer, filled, buffer.length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}
