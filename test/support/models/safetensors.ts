/** Reads safetensors for tests: whole file in memory, nothing checked. */

export interface ReadTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data: Buffer;
}

export function parseSafetensors(file: Buffer): ReadonlyMap<string, ReadTensor> {
  const headerBytes = Number(file.readBigUInt64LE(0));
  const header: Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }> = JSON.parse(
    file.subarray(8, 8 + headerBytes).toString(),
  );
  const tensors = new Map<string, ReadTensor>();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === "__metadata__") continue;
    const [start, end] = data_offsets;
    tensors.set(name, { dtype, shape, data: file.subarray(8 + headerBytes + start, 8 + headerBytes + end) });
  }
  return tensors;
}

/** A safetensors file of zeros. */
export function zeroSafetensors(
  tensors: Readonly<Record<string, { dtype: string; shape: readonly number[] }>>,
): Buffer {
  const bytesOf: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2, U32: 4 };
  let end = 0;
  const header: Record<string, unknown> = {};
  for (const [name, { dtype, shape }] of Object.entries(tensors)) {
    const bytes = shape.reduce((product, length) => product * length, bytesOf[dtype] ?? 1);
    header[name] = { dtype, shape, data_offsets: [end, end + bytes] };
    end += bytes;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(end)]);
}
