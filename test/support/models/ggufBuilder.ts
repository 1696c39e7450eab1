/** Small GGUF files for tests, byte by byte as the format says. */

export type GgufEntry =
  | { readonly type: "u32"; readonly value: number }
  | { readonly type: "i32"; readonly value: number }
  | { readonly type: "u64"; readonly value: bigint }
  | { readonly type: "f32"; readonly value: number }
  | { readonly type: "bool"; readonly value: boolean }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "strings"; readonly value: readonly string[] }
  | { readonly type: "i32s"; readonly value: readonly number[] }
  | { readonly type: "f32s"; readonly value: readonly number[] }
  | { readonly type: "flags"; readonly value: readonly boolean[] }
  /** A list of bytes, of which only the beginning is written: it must be the last entry. */
  | { readonly type: "u8s"; readonly count: number };

export interface GgufTensorSpec {
  readonly name: string;
  /** Outermost first; the file has the reverse order. */
  readonly shape: readonly number[];
  readonly typeId: number;
  readonly data: Buffer;
  /** Instead of the right offset. */
  readonly offset?: bigint;
}

export interface GgufSpec {
  readonly version?: number;
  readonly metadata: Readonly<Record<string, GgufEntry>>;
  readonly tensors: readonly GgufTensorSpec[];
  readonly alignment?: number;
  /** Instead of the right number. */
  readonly tensorCount?: bigint;
  readonly metadataCount?: bigint;
}

export const u32 = (value: number): GgufEntry => ({ type: "u32", value });
export const f32 = (value: number): GgufEntry => ({ type: "f32", value });
export const text = (value: string): GgufEntry => ({ type: "string", value });
export const flag = (value: boolean): GgufEntry => ({ type: "bool", value });
export const texts = (value: readonly string[]): GgufEntry => ({ type: "strings", value });
export const i32s = (value: readonly number[]): GgufEntry => ({ type: "i32s", value });
export const f32s = (value: readonly number[]): GgufEntry => ({ type: "f32s", value });
export const flags = (value: readonly boolean[]): GgufEntry => ({ type: "flags", value });

export function buildGguf(spec: GgufSpec): Buffer {
  const alignment = spec.alignment ?? 32;
  const entries = Object.entries(spec.metadata);
  const parts: Buffer[] = [
    Buffer.from("GGUF"),
    number32(spec.version ?? 3),
    number64(spec.tensorCount ?? BigInt(spec.tensors.length)),
    number64(spec.metadataCount ?? BigInt(entries.length)),
  ];
  for (const [key, entry] of entries) parts.push(string(key), entryBytes(entry));
  let offset = 0;
  const data: Buffer[] = [];
  for (const tensor of spec.tensors) {
    parts.push(string(tensor.name), number32(tensor.shape.length));
    for (const length of [...tensor.shape].reverse()) parts.push(number64(BigInt(length)));
    parts.push(number32(tensor.typeId), number64(tensor.offset ?? BigInt(offset)));
    const padded = Buffer.alloc(Math.ceil(tensor.data.length / alignment) * alignment);
    tensor.data.copy(padded);
    data.push(padded);
    offset += padded.length;
  }
  const head = Buffer.concat(parts);
  const padding = Buffer.alloc(Math.ceil(head.length / alignment) * alignment - head.length);
  return Buffer.concat([head, padding, ...data]);
}

function entryBytes(entry: GgufEntry): Buffer {
  switch (entry.type) {
    case "u32":
      return Buffer.concat([number32(4), number32(entry.value)]);
    case "i32":
      return Buffer.concat([number32(5), signed32(entry.value)]);
    case "f32":
      return Buffer.concat([number32(6), float32(entry.value)]);
    case "bool":
      return Buffer.concat([number32(7), Buffer.of(entry.value ? 1 : 0)]);
    case "string":
      return Buffer.concat([number32(8), string(entry.value)]);
    case "u64":
      return Buffer.concat([number32(10), number64(entry.value)]);
    case "strings":
      return Buffer.concat([
        number32(9),
        number32(8),
        number64(BigInt(entry.value.length)),
        ...entry.value.map(string),
      ]);
    case "i32s":
      return Buffer.concat([
        number32(9),
        number32(5),
        number64(BigInt(entry.value.length)),
        ...entry.value.map(signed32),
      ]);
    case "f32s":
      return Buffer.concat([
        number32(9),
        number32(6),
        number64(BigInt(entry.value.length)),
        ...entry.value.map(float32),
      ]);
    case "flags":
      return Buffer.concat([
        number32(9),
        number32(7),
        number64(BigInt(entry.value.length)),
        Buffer.from(entry.value.map(Number)),
      ]);
    case "u8s":
      return Buffer.concat([number32(9), number32(0), number64(BigInt(entry.count))]);
  }
}

function string(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([number64(BigInt(bytes.length)), bytes]);
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function signed32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function float32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

function number64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(value);
  return bytes;
}
