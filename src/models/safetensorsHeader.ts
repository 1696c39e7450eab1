import { parseBoundedJson } from "../common/boundedJson";
import { isObject, listOf } from "../text/json";
import type { ByteSource } from "./fileSource";
import { corrupt, incomplete } from "./modelErrors";

export interface StoredTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: number;
}

/** The format's own limit. */
const maxHeaderBytes = 100_000_000;

const bitsOfDtype: ReadonlyMap<string, number> = new Map([
  ["BOOL", 8],
  ["U8", 8],
  ["I8", 8],
  ["F8_E4M3", 8],
  ["F8_E5M2", 8],
  ["F8_E8M0", 8],
  ["U16", 16],
  ["I16", 16],
  ["F16", 16],
  ["BF16", 16],
  ["U32", 32],
  ["I32", 32],
  ["F32", 32],
  ["U64", 64],
  ["I64", 64],
  ["F64", 64],
]);

/**
 * Reads and checks the header of a safetensors file: every tensor has the length that its shape needs and is inside the
 * file. `file`: its name, for messages.
 */
export async function readSafetensorsHeader(
  source: ByteSource,
  file: string,
): Promise<ReadonlyMap<string, StoredTensor>> {
  const head = Buffer.alloc(8);
  if ((await source.read(head, 0)) < 8)
    throw incomplete(`${file} has ${source.size} bytes`, { file, bytes: source.size });
  const headerBytes = Number(head.readBigUInt64LE(0));
  if (headerBytes > maxHeaderBytes)
    throw corrupt(`${file} claims a header of ${headerBytes} bytes`, { file, headerBytes });
  const json = Buffer.alloc(Math.min(headerBytes, source.size - 8));
  if (json.length < headerBytes || (await source.read(json, 8)) < headerBytes) {
    throw incomplete(`${file} ends inside its header`, { file, bytes: source.size, neededBytes: 8 + headerBytes });
  }
  const dataBytes = source.size - 8 - headerBytes;
  const tensors = new Map<string, StoredTensor>();
  let end = 0;
  for (const [name, value] of Object.entries(parseHeader(json, file))) {
    if (name === "__metadata__") continue;
    const tensor = readTensor(value, name, file);
    tensors.set(name, tensor);
    end = Math.max(end, tensor.end);
  }
  if (end > dataBytes) {
    throw incomplete(`${file} is truncated: ${source.size} of ${8 + headerBytes + end} bytes are there`, {
      file,
      bytes: source.size,
      neededBytes: 8 + headerBytes + end,
    });
  }
  return tensors;
}

function parseHeader(json: Buffer, file: string): Readonly<Record<string, unknown>> {
  try {
    const header: unknown = parseBoundedJson(new TextDecoder("utf-8", { fatal: true }).decode(json));
    if (isObject(header)) return header;
  } catch {
    // Continue to the common error below.
  }
  throw corrupt(`the header of ${file} is not readable`, { file });
}

function readTensor(value: unknown, name: string, file: string): StoredTensor & { readonly end: number } {
  const { dtype, shape, data_offsets } = isObject(value) ? value : {};
  const bits = typeof dtype === "string" ? bitsOfDtype.get(dtype) : undefined;
  const lengths = listOf(shape).filter(isCount);
  const [start, end, ...more] = listOf(data_offsets).filter(isCount);
  const elements = lengths.reduce((product, length) => product * length, 1);
  const sound =
    typeof dtype === "string" && lengths.length === listOf(shape).length && start !== undefined && end !== undefined;
  if (!sound || more.length > 0 || bits === undefined || (end - start) * 8 !== elements * bits) {
    throw corrupt(`the tensor ${name} in ${file} is described wrongly`, { file, tensor: name });
  }
  return { dtype, shape: lengths, bytes: end - start, end };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
