import { throwIfAborted } from "../../common/errors";
import type { ByteSource } from "../fileSource";
import { corrupt } from "./importErrors";

const chunkBytes = 1 << 20;
/** The largest vocabularies need some 20 MB; to read more than this is damage or an attack. */
const maxHeaderBytes = 256 << 20;
const maxStringBytes = 16 << 20;
/** Of all lists together: some ten times the largest vocabularies. */
const maxKeptValues = 1 << 24;

/**
 * Little-endian values off the start of a file, in order, refilled chunk by chunk. Every length is checked against what
 * is left of the file before anything is allocated.
 */
export class HeaderReader {
  private buffer = Buffer.alloc(0);
  private offset = 0;
  private bufferStart = 0;
  private skippedBytes = 0;
  private keptValues = 0;
  private readonly utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

  constructor(
    private readonly source: ByteSource,
    private readonly signal: AbortSignal | undefined,
  ) {}

  /** Bytes read so far = position in the file. */
  get position(): number {
    return this.bufferStart + this.offset;
  }

  get remaining(): number {
    return this.source.size - this.position;
  }

  async u32(): Promise<number> {
    const at = await this.take(4);
    return this.buffer.readUInt32LE(at);
  }

  async u64(): Promise<bigint> {
    const at = await this.take(8);
    return this.buffer.readBigUInt64LE(at);
  }

  /**
   * A number of things that follow, each of `minBytes` bytes or more: refused where the file cannot hold them, or where
   * it is beyond `max`.
   */
  async count(of: string, minBytes: number, max: number): Promise<number> {
    const value = await this.u64();
    if (value > BigInt(max) || value * BigInt(minBytes) > BigInt(this.remaining)) {
      throw corrupt(`the file claims ${value} ${of} and has ${this.remaining} bytes left`, {
        claimed: value.toString(),
        remainingBytes: this.remaining,
        position: this.position,
      });
    }
    return Number(value);
  }

  /** Counts values that a list keeps in memory; false: they are too many. */
  keep(values: number): boolean {
    this.keptValues += values;
    return this.keptValues <= maxKeptValues;
  }

  async string(what: string): Promise<string> {
    const length = await this.count(`bytes for ${what}`, 1, maxStringBytes);
    const start = await this.take(length);
    return this.decode(start, length, what);
  }

  /** `count` numbers of `size` bytes, each read by `read` from a position in a buffer. */
  async numbers(
    count: number,
    size: number,
    read: (buffer: Buffer, at: number) => number | bigint,
  ): Promise<(number | bigint)[]> {
    const values: (number | bigint)[] = [];
    while (values.length < count) {
      const start = await this.take(Math.min(count - values.length, chunkBytes / size) * size);
      for (let at = start; at < this.offset; at += size) values.push(read(this.buffer, at));
    }
    return values;
  }

  /** `count` texts; `each` gets them one by one. Without `each` they are stepped over. */
  async strings(count: number, what: string, each?: (text: string) => void): Promise<void> {
    for (let i = 0; i < count; i++) {
      if (this.offset + 8 > this.buffer.length) await this.refill(8);
      const length = this.buffer.readUInt32LE(this.offset);
      if (length > maxStringBytes || this.buffer.readUInt32LE(this.offset + 4) !== 0) {
        // Says what is wrong with it.
        await this.count(`bytes for ${what}`, 1, maxStringBytes);
      }
      this.offset += 8;
      if (this.offset + length > this.buffer.length) await this.refill(length);
      if (each !== undefined) each(this.decode(this.offset, length, what));
      this.offset += length;
    }
  }

  /** Steps over bytes without reading them. */
  skip(bytes: number): void {
    if (bytes > this.remaining) throw this.endedEarly(bytes);
    if (this.offset + bytes <= this.buffer.length) {
      this.offset += bytes;
      return;
    }
    this.bufferStart = this.position + bytes;
    this.skippedBytes += bytes;
    this.offset = 0;
    this.buffer = Buffer.alloc(0);
  }

  private decode(start: number, length: number, what: string): string {
    try {
      return this.utf8.decode(this.buffer.subarray(start, start + length));
    } catch {
      throw corrupt(`${what} is not valid UTF-8`, { position: this.bufferStart + start, bytes: length });
    }
  }

  /** Makes `bytes` bytes available and steps over them; returns where they start in the buffer. */
  private async take(bytes: number): Promise<number> {
    if (this.offset + bytes > this.buffer.length) await this.refill(bytes);
    const start = this.offset;
    this.offset += bytes;
    return start;
  }

  private async refill(bytes: number): Promise<void> {
    throwIfAborted(this.signal);
    const position = this.position;
    if (bytes > this.remaining) throw this.endedEarly(bytes);
    if (position + bytes - this.skippedBytes > maxHeaderBytes) {
      throw corrupt(`the header is larger than ${maxHeaderBytes} bytes`, { position });
    }
    const next = Buffer.allocUnsafe(Math.min(Math.max(bytes, chunkBytes), this.remaining));
    const read = await this.source.read(next, position);
    if (read < bytes)
      throw corrupt(`the file ends at byte ${position + read}, in the middle of its header`, { position });
    this.buffer = next.subarray(0, read);
    this.bufferStart = position;
    this.offset = 0;
  }

  private endedEarly(bytes: number): Error {
    return corrupt(`the file ends at byte ${this.source.size}, in the middle of its header`, {
      fileBytes: this.source.size,
      neededBytes: this.position + bytes,
    });
  }
}
