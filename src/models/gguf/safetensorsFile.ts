import { type FileHandle, open } from "node:fs/promises";

export type SafetensorsDtype = "F32" | "F16" | "BF16" | "U32" | "U8";

export interface TensorLayout {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  readonly shape: readonly number[];
  readonly bytes: number;
}

const headerAlignment = 64;

/**
 * Writes a safetensors file whose tensors are known beforehand and arrive piece by piece, in any order: the header goes
 * first, every piece to its place.
 */
export class SafetensorsFile {
  private constructor(
    private readonly handle: FileHandle,
    private readonly starts: ReadonlyMap<string, number>,
    readonly bytes: number,
  ) {}

  static async create(path: string, tensors: readonly TensorLayout[]): Promise<SafetensorsFile> {
    const header: Record<string, unknown> = Object.create(null);
    header["__metadata__"] = { format: "mlx" };
    let end = 0;
    for (const { name, dtype, shape, bytes } of tensors) {
      header[name] = { dtype, shape, data_offsets: [end, end + bytes] };
      end += bytes;
    }
    const json = Buffer.from(JSON.stringify(header));
    const padded = Math.ceil((8 + json.length) / headerAlignment) * headerAlignment - 8;
    const head = Buffer.alloc(8 + padded, " ");
    head.writeBigUInt64LE(BigInt(padded), 0);
    json.copy(head, 8);

    const starts = new Map<string, number>();
    let start = head.length;
    for (const { name, bytes } of tensors) {
      starts.set(name, start);
      start += bytes;
    }
    const handle = await open(path, "wx");
    const file = new SafetensorsFile(handle, starts, start);
    try {
      await file.writeAt(head, 0);
    } catch (error) {
      await handle.close();
      throw error;
    }
    return file;
  }

  /** `offset`: bytes from the tensor's start. */
  async write(name: string, offset: number, data: Buffer): Promise<void> {
    const start = this.starts.get(name);
    if (start === undefined) throw new Error(`no tensor ${name} was announced`);
    await this.writeAt(data, start + offset);
  }

  /** After this the bytes are on the disk. */
  async finish(): Promise<void> {
    await this.handle.sync();
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  private async writeAt(data: Buffer, position: number): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const { bytesWritten } = await this.handle.write(data, done, data.length - done, position + done);
      done += bytesWritten;
    }
  }
}
