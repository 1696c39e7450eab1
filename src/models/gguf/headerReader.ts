import { throwIfAborted } from "../../common/errors";
import type { ByteSource } from "../fileSource";
import { corrupt } from "./importErrors";

const chunkBytes = 1 << 20;
/** The largest vocabularies need some 20 MB; a header beyond this is damage or an attack. */
const maxHeaderBytes = 256 << 20;
const maxStringBytes = 16 << 20;

/**
 * Little-endian values off the start of a file, in order, refilled chunk by chunk. Every length is checked against what
 * is left of the file before anything is allocated.
 */
export class HeaderReader {
  private buffer = Buffer.alloc(0);
  private offset = 0;
  private bufferStart = 0;
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

  async u8(): Promise<number> {
    const at = await this.take(1);
    return this.buffer.readUInt8(at);
  }
  async i8(): Promise<number> {
    const at = await this.take(1);
    return this.buffer.readInt8(at);
  }
  async u16(): Promise<number> {
    const at = await this.take(2);
    return this.buffer.readUInt16LE(at);
  }
  async i16(): Promise<number> {
    const at = await this.take(2);
    return this.buffer.readInt16LE(at);
  }
  async u32(): Promise<number> {
    const at = await this.take(4);
    return this.buffer.readUInt32LE(at);
  }
  async i32(): Promise<number> {
    const at = await this.take(4);
    return this.buffer.readInt32LE(at);
  }
  async f32(): Promise<number> {
    const at = await this.take(4);
    return this.buffer.readFloatLE(at);
  }
  async f64(): Promise<number> {
    const at = await this.take(8);
    return this.buffer.readDoubleLE(at);
  }
  async u64(): Promise<bigint> {
    const at = await this.take(8);
    return this.buffer.readBigUInt64LE(at);
  }
  async i64(): Promise<bigint> {
    const at = await this.take(8);
    return this.buffer.readBigInt64LE(at);
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

  async string(what: string): Promise<string> {
    const length = await this.count(`bytes for ${what}`, 1, maxStringBytes);
    const start = await this.take(length);
    try {
      return this.utf8.decode(this.buffer.subarray(start, start + length));
    } catch {
      throw corrupt(`${what} is not valid UTF-8`, { position: this.position - length, bytes: length });
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
    if (bytes > this.remaining) {
      throw corrupt(`the file ends at byte ${this.source.size}, in the middle of its header`, {
        fileBytes: this.source.size,
        neededBytes: position + bytes,
      });
    }
    if (position + bytes > maxHeaderBytes) {
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
}
