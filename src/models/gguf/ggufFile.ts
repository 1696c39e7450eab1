import type { ByteSource } from "../fileSource";
import { HeaderReader } from "./headerReader";
import { corrupt, unsupported } from "./importErrors";
import { Metadata, type MetadataValue, readMetadataValue } from "./metadata";
import { convertibleTypes, encodingOf, type TensorEncoding, typeName } from "./tensorTypes";

export interface GgufTensor {
  readonly name: string;
  /** Outermost first, as everywhere but in GGUF itself: [rows, columns] or [columns]. */
  readonly shape: readonly number[];
  readonly encoding: TensorEncoding;
  readonly file: ByteSource;
  /** Absolute position in the file. */
  readonly position: number;
  readonly bytes: number;
}

/** All that a file says before its data; the tensors' types, sizes and places are not checked yet. */
export interface GgufHeader {
  readonly file: ByteSource;
  readonly metadata: Metadata;
  readonly tensors: readonly TensorInfo[];
  readonly dataStart: number;
  readonly alignment: number;
}

const maxEntries = 1 << 16;
const maxDimensions = 4;

/**
 * Reads the header of a GGUF file (versions 2 and 3, little-endian). IMPORT_CORRUPT or IMPORT_UNSUPPORTED otherwise. What
 * the file is can be asked for before `placeTensors` refuses how it is stored.
 */
export async function readGgufHeader(file: ByteSource, signal?: AbortSignal): Promise<GgufHeader> {
  const reader = new HeaderReader(file, signal);
  await readMagic(reader);
  const tensorCount = await reader.count("tensors", 24, maxEntries);
  const entryCount = await reader.count("metadata entries", 13, maxEntries);
  const values = new Map<string, MetadataValue>();
  for (let i = 0; i < entryCount; i++) {
    const key = await reader.string(`the name of metadata entry ${i}`);
    if (values.has(key)) throw corrupt(`the metadata entry ${key} appears twice`, { key });
    values.set(key, await readMetadataValue(reader, key));
  }
  const metadata = new Metadata(values);
  const alignment = metadata.integer("general.alignment") ?? 32;
  if (alignment < 8 || alignment > 1 << 16 || alignment % 8 !== 0) {
    throw corrupt(`the alignment ${alignment} is not a multiple of 8 up to 65536`, { alignment });
  }
  const tensors: TensorInfo[] = [];
  const names = new Set<string>();
  for (let i = 0; i < tensorCount; i++) {
    const info = await readTensorInfo(reader, i);
    if (names.has(info.name)) throw corrupt(`the tensor ${info.name} appears twice`, { tensor: info.name });
    names.add(info.name);
    tensors.push(info);
  }
  const dataStart = Math.ceil(reader.position / alignment) * alignment;
  return { file, metadata, tensors, dataStart, alignment };
}

/** Afterwards every tensor is known to be inside its file, to have the length that its shape needs and to share no byte. */
export function placeTensors(header: GgufHeader): readonly GgufTensor[] {
  const tensors = header.tensors.map((info) => place(info, header));
  const sorted = [...tensors].sort((a, b) => a.position - b.position);
  for (const [i, tensor] of sorted.entries()) {
    const before = sorted[i - 1];
    if (before !== undefined && before.position + before.bytes > tensor.position) {
      throw corrupt(`the tensors ${before.name} and ${tensor.name} overlap`, {
        tensor: tensor.name,
        other: before.name,
        position: tensor.position,
      });
    }
  }
  return tensors;
}

async function readMagic(reader: HeaderReader): Promise<void> {
  if (reader.remaining < 24) throw corrupt(`the file has ${reader.remaining} bytes: too short for a GGUF header`);
  if ((await reader.u32()) !== 0x46554747)
    throw corrupt("the file does not begin with GGUF: it is another kind of file");
  const version = await reader.u32();
  if (version === 2 || version === 3) return;
  const name = version > 0xffff ? "big-endian GGUF" : `GGUF version ${version}`;
  throw unsupported(`the file is ${name}`, name, "use a little-endian file of version 2 or 3");
}

export interface TensorInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly typeId: number;
  readonly offset: bigint;
}

async function readTensorInfo(reader: HeaderReader, index: number): Promise<TensorInfo> {
  const name = await reader.string(`the name of tensor ${index}`);
  const dimensions = await reader.u32();
  if (dimensions < 1 || dimensions > maxDimensions) {
    throw corrupt(`the tensor ${name} claims ${dimensions} dimensions`, { tensor: name, dimensions });
  }
  const shape: number[] = [];
  let elements = 1;
  for (let d = 0; d < dimensions; d++) {
    const length = Number(await reader.u64());
    elements *= length;
    if (length < 1 || elements > Number.MAX_SAFE_INTEGER / 8) {
      throw corrupt(`the tensor ${name} claims a dimension of ${length}`, { tensor: name, dimension: d, length });
    }
    shape.unshift(length);
  }
  const typeId = await reader.u32();
  return { name, shape, typeId, offset: await reader.u64() };
}

function place(info: TensorInfo, { file, dataStart, alignment }: GgufHeader): GgufTensor {
  const { name, shape } = info;
  const fileBytes = file.size;
  const encoding = encodingOf(info.typeId);
  if (encoding === undefined) {
    const type = typeName(info.typeId);
    throw unsupported(
      `the tensor ${name} is quantised as ${type}, which is not supported`,
      type,
      `use a file whose tensors are in ${convertibleTypes.join(", ")}`,
    );
  }
  const columns = shape.at(-1) ?? 1;
  if (columns % encoding.blockElements !== 0) {
    throw corrupt(`the tensor ${name} has rows of ${columns} elements, which ${encoding.type} cannot store`, {
      tensor: name,
      columns,
    });
  }
  const elements = shape.reduce((product, length) => product * length, 1);
  const bytes = (elements / encoding.blockElements) * encoding.blockBytes;
  if (info.offset % BigInt(alignment) !== 0n || info.offset > BigInt(fileBytes)) {
    throw corrupt(`the tensor ${name} has the offset ${info.offset}`, { tensor: name, offset: info.offset.toString() });
  }
  const position = dataStart + Number(info.offset);
  if (position + bytes > fileBytes) {
    throw corrupt(
      `the tensor ${name} ends at byte ${position + bytes} and the file has ${fileBytes}: it is truncated`,
      {
        tensor: name,
        neededBytes: position + bytes,
        fileBytes,
      },
    );
  }
  return { name, shape, encoding, file, position, bytes };
}
