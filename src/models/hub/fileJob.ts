import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { throwIfAborted } from "../../common/errors";
import { corrupt } from "../modelErrors";
import { readFully } from "../regularFile";
import type { HubFile } from "./hubClient";
import { PartJournal } from "./partJournal";

/** Sizes of a download. A request asks for at most `blocksPerRange` blocks; a block is what a kill can lose. */
export interface RangeSizes {
  readonly blockBytes: number;
  readonly blocksPerRange: number;
}

/** Blocks of a file that one request gets: from `first` up to, not including, `end`. */
export interface BlockRange {
  readonly first: number;
  readonly end: number;
}

const hashSliceBytes = 512 << 10;

/**
 * One file on its way: `NAME.partial` with its journal `NAME.blocks`, and `NAME` once every byte is there and its hash is
 * right. The hash follows the blocks that are written, in order, while others still come.
 */
export class FileJob {
  readonly numBlocks: number;
  /** Where the file comes from after redirects, once that is known. */
  redirectedUrl: string | undefined;
  /** The server sends only whole files: one request at a time. */
  isSequential = false;
  private readonly claimed = new Set<number>();
  private opened: Promise<Opened> | undefined;
  private hash: Hash;
  private hashedBlocks = 0;
  private hashing: Promise<void> = Promise.resolve();
  /** Blocks that an earlier process wrote. */
  private oldBlocks = 0;
  private finished = false;

  private constructor(
    readonly file: HubFile,
    private readonly folder: string,
    private readonly sizes: RangeSizes,
    private readonly signal: AbortSignal,
    finished: boolean,
  ) {
    this.numBlocks = Math.ceil(file.bytes / sizes.blockBytes);
    this.hash = startHash(file);
    this.finished = finished;
  }

  /** `folder`: where the file is made. What is there of it is used. `signal` ends the reading of what is there. */
  static async create(file: HubFile, folder: string, sizes: RangeSizes, signal: AbortSignal): Promise<FileJob> {
    const whole = await stat(join(folder, file.path)).catch(() => undefined);
    const job = new FileJob(file, folder, sizes, signal, whole?.size === file.bytes);
    if (!job.finished) await job.open();
    // A process that was killed may have left them next to the whole file.
    else for (const part of [job.journalPath, job.partial]) await rm(part, { force: true });
    return job;
  }

  get isFinished(): boolean {
    return this.finished;
  }

  /** Bytes that are written. */
  async doneBytes(): Promise<number> {
    if (this.finished) return this.file.bytes;
    const { journal } = await this.open();
    let bytes = 0;
    for (let block = 0; block < this.numBlocks; block++) if (journal.has(block)) bytes += this.bytesOf(block);
    return bytes;
  }

  /** The next missing blocks that no request is for; `undefined`: there are none. */
  async take(): Promise<BlockRange | undefined> {
    if (this.finished || this.isSequential) return undefined;
    const { journal } = await this.open();
    const isFree = (block: number) => block < this.numBlocks && !journal.has(block) && !this.claimed.has(block);
    let first = 0;
    while (first < this.numBlocks && !isFree(first)) first += 1;
    if (first >= this.numBlocks) return undefined;
    let end = first;
    while (end - first < this.sizes.blocksPerRange && isFree(end)) this.claimed.add(end++);
    return { first, end };
  }

  /** The first missing block of a range, with those that follow it up to its end or to one that is there. */
  async missingIn({ first, end }: BlockRange): Promise<BlockRange | undefined> {
    const { journal } = await this.open();
    let from = first;
    while (from < end && journal.has(from)) from += 1;
    let to = from;
    while (to < end && !journal.has(to)) to += 1;
    return from < to ? { first: from, end: to } : undefined;
  }

  startOf(block: number): number {
    return Math.min(this.file.bytes, block * this.sizes.blockBytes);
  }

  bytesOf(block: number): number {
    return this.startOf(block + 1) - this.startOf(block);
  }

  async has(block: number): Promise<boolean> {
    return (await this.open()).journal.has(block);
  }

  async write(block: number, bytes: Buffer): Promise<void> {
    const { handle, journal } = await this.open();
    let written = 0;
    while (written < bytes.length) {
      const position = this.startOf(block) + written;
      written += (await handle.write(bytes, written, bytes.length - written, position)).bytesWritten;
    }
    await journal.mark(block);
    this.hashing = this.hashing.then(() => this.hashWritten());
    this.hashing.catch(() => {}); // `finish` reports it
  }

  /**
   * Resolves with `true` when the file is whole and in its place. `false`: its hash was wrong, a part of it was from an
   * earlier process, and it begins anew. Throws MODEL_CORRUPT when all of it came from the hub just now, ABORTED.
   */
  async finish(): Promise<boolean> {
    if (this.finished) return true;
    const { handle } = await this.open();
    throwIfAborted(this.signal);
    await this.hashing;
    await this.hashWritten();
    const hex = this.hash.digest("hex");
    if (hex === this.file.hash.hex) {
      await handle.sync();
      await this.close();
      await rename(this.partial, join(this.folder, this.file.path));
      await rm(this.journalPath, { force: true });
      this.finished = true;
      return true;
    }
    await this.close();
    await rm(this.journalPath, { force: true });
    await rm(this.partial, { force: true });
    if (this.oldBlocks === 0) throw wrongHash(this.file, hex);
    this.claimed.clear();
    this.isSequential = false;
    this.hash = startHash(this.file);
    this.hashedBlocks = 0;
    this.oldBlocks = 0;
    return false;
  }

  async close(): Promise<void> {
    const { opened } = this;
    if (opened === undefined) return;
    // A queued hash would open the files again.
    await this.hashing.catch(() => {});
    this.opened = undefined;
    const { handle, journal } = await opened;
    await handle.close();
    await journal.close();
  }

  private get partial(): string {
    return join(this.folder, `${this.file.path}.partial`);
  }

  private get journalPath(): string {
    return join(this.folder, `${this.file.path}.blocks`);
  }

  private open(): Promise<Opened> {
    this.opened ??= this.openFiles();
    return this.opened;
  }

  private async openFiles(): Promise<Opened> {
    const { file, numBlocks } = this;
    const { blockBytes } = this.sizes;
    const isThere = await stat(this.partial).then(
      () => true,
      () => false,
    );
    if (!isThere) await rm(this.journalPath, { force: true });
    const head = `resident blocks 1 ${file.hash.type} ${file.hash.hex} ${file.bytes} ${blockBytes}`;
    const journal = await PartJournal.open(this.journalPath, head, numBlocks);
    try {
      const handle = await open(this.partial, isThere ? "r+" : "w+");
      for (let block = 0; block < numBlocks; block++) if (journal.has(block)) this.oldBlocks += 1;
      this.hashing = this.hashing.then(() => this.hashWritten());
      this.hashing.catch(() => {}); // `finish` reports it
      return { handle, journal };
    } catch (error) {
      await journal.close();
      throw error;
    }
  }

  /** Reads what was written back, from the page cache, as far as it has no gap. */
  private async hashWritten(): Promise<void> {
    const { handle, journal } = await this.open();
    while (this.hashedBlocks < this.numBlocks && journal.has(this.hashedBlocks)) {
      let at = this.startOf(this.hashedBlocks);
      const end = at + this.bytesOf(this.hashedBlocks);
      while (at < end) {
        throwIfAborted(this.signal);
        const slice = Buffer.alloc(Math.min(hashSliceBytes, end - at));
        const read = await readFully(handle, slice, at);
        if (read === 0) break;
        this.hash.update(slice.subarray(0, read));
        at += read;
      }
      this.hashedBlocks += 1;
    }
  }
}

interface Opened {
  readonly handle: FileHandle;
  readonly journal: PartJournal;
}

/** Git hashes a file together with its length. */
function startHash({ hash, bytes }: HubFile): Hash {
  return hash.type === "sha256" ? createHash("sha256") : createHash("sha1").update(`blob ${bytes}\0`);
}

function wrongHash({ path, hash }: HubFile, hex: string): Error {
  return corrupt(`${path} is not the file that the hub lists: its ${hash.type} hash is ${hex.slice(0, 12)}…`, {
    file: path,
    expected: hash.hex,
    found: hex,
  });
}
