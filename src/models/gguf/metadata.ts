import type { HeaderReader } from "./headerReader";
import { corrupt } from "./importErrors";

export type MetadataValue = string | number | bigint | boolean | readonly MetadataValue[] | SkippedList;

/** A list that is too long to be anything that the import needs. */
interface SkippedList {
  readonly skippedValues: number;
}

/** The key-value part of a GGUF file, by type. A value of another type than asked for is damage. */
export class Metadata {
  constructor(private readonly values: ReadonlyMap<string, MetadataValue>) {}

  has(key: string): boolean {
    return this.values.has(key);
  }

  string(key: string): string | undefined {
    const value = this.values.get(key);
    if (value === undefined || typeof value === "string") return value;
    throw wrongType(key, "a text");
  }

  number(key: string): number | undefined {
    const value = this.values.get(key);
    if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
    throw wrongType(key, "a number");
  }

  /** A whole number ≥ 0. */
  integer(key: string): number | undefined {
    const value = this.values.get(key);
    if (value === undefined) return undefined;
    if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
    throw wrongType(key, "a whole number");
  }

  boolean(key: string): boolean | undefined {
    const value = this.values.get(key);
    if (value === undefined || typeof value === "boolean") return value;
    throw wrongType(key, "a yes or no");
  }

  isList(key: string): boolean {
    return typeof this.values.get(key) === "object";
  }

  strings(key: string): readonly string[] | undefined {
    return this.list(key, "a list of texts", (item) => (typeof item === "string" ? item : undefined));
  }

  booleans(key: string): readonly boolean[] | undefined {
    return this.list(key, "a list of yes or no", (item) => (typeof item === "boolean" ? item : undefined));
  }

  numbers(key: string): readonly number[] | undefined {
    return this.list(key, "a list of numbers", (item) => (typeof item === "number" ? item : undefined));
  }

  private list<T>(
    key: string,
    expected: string,
    pick: (item: MetadataValue) => T | undefined,
  ): readonly T[] | undefined {
    const value = this.values.get(key);
    if (value === undefined) return undefined;
    if (typeof value !== "object" || "skippedValues" in value) throw wrongType(key, expected);
    return value.map((item) => {
      const picked = pick(item);
      if (picked === undefined) throw wrongType(key, expected);
      return picked;
    });
  }
}

function wrongType(key: string, expected: string): Error {
  return corrupt(`the metadata entry ${key} is not ${expected}`, { key });
}

const boolType = 7;
const stringType = 8;
const arrayType = 9;
const maxDepth = 3;

/** Numbers by their type: bytes, and how one is read. */
const numberTypes: ReadonlyMap<number, readonly [number, (buffer: Buffer, at: number) => number | bigint]> = new Map([
  [0, [1, (buffer, at) => buffer.readUInt8(at)]],
  [1, [1, (buffer, at) => buffer.readInt8(at)]],
  [2, [2, (buffer, at) => buffer.readUInt16LE(at)]],
  [3, [2, (buffer, at) => buffer.readInt16LE(at)]],
  [4, [4, (buffer, at) => buffer.readUInt32LE(at)]],
  [5, [4, (buffer, at) => buffer.readInt32LE(at)]],
  [6, [4, (buffer, at) => buffer.readFloatLE(at)]],
  [boolType, [1, (buffer, at) => buffer.readUInt8(at)]],
  [10, [8, (buffer, at) => narrow(buffer.readBigUInt64LE(at))]],
  [11, [8, (buffer, at) => narrow(buffer.readBigInt64LE(at))]],
  [12, [8, (buffer, at) => buffer.readDoubleLE(at)]],
]);

/** Lists up to this length are kept whatever they are; longer ones only where they are part of a tokenizer. */
const keptLength = 1 << 16;

/** Reads a type number and a value of that type. */
export async function readMetadataValue(reader: HeaderReader, key: string): Promise<MetadataValue> {
  return readValue(reader, key, await reader.u32(), 0);
}

async function readValue(reader: HeaderReader, key: string, type: number, depth: number): Promise<MetadataValue> {
  if (type === stringType) return reader.string(`the metadata entry ${key}`);
  if (type === arrayType) return readList(reader, key, depth + 1);
  const number = numberTypes.get(type);
  if (number === undefined) throw corrupt(`the metadata entry ${key} has the unknown type ${type}`, { key, type });
  const [value = 0] = await reader.numbers(1, ...number);
  return type === boolType ? value !== 0 : value;
}

async function readList(reader: HeaderReader, key: string, depth: number): Promise<MetadataValue> {
  if (depth > maxDepth) throw corrupt(`the metadata entry ${key} nests lists more than ${maxDepth} deep`, { key });
  const type = await reader.u32();
  const number = numberTypes.get(type);
  if (number === undefined && type !== stringType && type !== arrayType)
    throw corrupt(`the metadata entry ${key} lists values of the unknown type ${type}`, { key, type });
  const leastBytes = number?.[0] ?? (type === stringType ? 8 : 12);
  const length = await reader.count(`values in ${key}`, leastBytes, Number.MAX_SAFE_INTEGER);
  const isKept = length <= keptLength || key.startsWith("tokenizer.");
  if ((type === arrayType && length > keptLength) || (isKept && !reader.keep(length)))
    throw corrupt(`the metadata entry ${key} lists ${length} values`, { key, length });
  if (number !== undefined) {
    if (isKept) {
      const values = await reader.numbers(length, ...number);
      return type === boolType ? values.map((value) => value !== 0) : values;
    }
    reader.skip(length * number[0]);
  } else if (type === stringType) {
    const texts: string[] = [];
    await reader.strings(length, `the metadata entry ${key}`, isKept ? (text) => texts.push(text) : undefined);
    if (isKept) return texts;
  } else {
    const values: MetadataValue[] = [];
    for (let i = 0; i < length; i++) values.push(await readList(reader, key, depth + 1));
    return values;
  }
  return { skippedValues: length };
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Metadata holds f32: 1e-5 arrives as 9.999999747378752e-6. The shortest decimal that names the same f32. */
export function shortestDecimal(value: number): number {
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(value.toPrecision(digits));
    if (Math.fround(candidate) === Math.fround(value)) return candidate;
  }
  return value;
}
