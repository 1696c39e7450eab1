import type { FileHandle } from "node:fs/promises";
import { open, rm } from "node:fs/promises";
import { readFully } from "../regularFile";

const [missing, there] = [0x2e, 0x2b]; // "." and "+"

/**
 * Which blocks of a partial file are written: a file next to it, with one line that says which file it is, then one
 * character for each block. A mark is one byte in its place, so a process that is killed leaves no half mark.
 */
export class PartJournal {
  private constructor(
    private readonly handle: FileHandle,
    private readonly headBytes: number,
    private readonly marks: Buffer,
  ) {}

  /** Goes on with the journal at `path` where it begins with `head`, else begins a new one: with nothing written. */
  static async open(path: string, head: string, numBlocks: number): Promise<PartJournal> {
    const line = Buffer.from(`${head}\n`);
    const kept = await readMarks(path, line, numBlocks);
    if (kept !== undefined) return new PartJournal(await open(path, "r+"), line.length, kept);
    const marks = Buffer.alloc(numBlocks, missing);
    await rm(path, { force: true });
    const handle = await open(path, "wx");
    try {
      await handle.writeFile(Buffer.concat([line, marks]));
      return new PartJournal(handle, line.length, marks);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  get numBlocks(): number {
    return this.marks.length;
  }

  has(block: number): boolean {
    return this.marks[block] === there;
  }

  /** Call it when the block's bytes are written. */
  async mark(block: number): Promise<void> {
    await this.handle.write(Buffer.of(there), 0, 1, this.headBytes + block);
    this.marks[block] = there;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

async function readMarks(path: string, line: Buffer, numBlocks: number): Promise<Buffer | undefined> {
  const handle = await open(path, "r").catch(() => undefined);
  if (handle === undefined) return undefined;
  try {
    const buffer = Buffer.alloc(line.length + numBlocks + 1);
    const read = await readFully(handle, buffer, 0);
    const marks = buffer.subarray(line.length, read);
    const isSound = marks.every((mark) => mark === missing || mark === there);
    return isSound && marks.length === numBlocks && buffer.subarray(0, line.length).equals(line) ? marks : undefined;
  } finally {
    await handle.close();
  }
}
