import type { HeaderReader } from "./headerReader";
import { corrupt } from "./importErrors";

export type MetadataValue = string | number | bigint | boolean | readonly MetadataValue[];

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
    return Array.isArray(this.values.get(key));
  }

  strings(key: string): readonly string[] | undefined {
    return this.list(key, "a list of texts", (item) => (typeof item === "string" ? item : undefined));
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
    if (typeof value !== "object") throw wrongType(key, expected);
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

const arrayType = 9;
const maxDepth = 3;

/** The least bytes that one value of a type takes; undefined = no such type. */
const minBytes: readonly (number | undefined)[] = [1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8];

/** Reads a type number and a value of that type. */
export async function readMetadataValue(reader: HeaderReader, key: string): Promise<MetadataValue> {
  return readValue(reader, key, await reader.u32(), 0);
}

async function readValue(reader: HeaderReader, key: string, type: number, depth: number): Promise<MetadataValue> {
  switch (type) {
    case 0:
      return reader.u8();
    case 1:
      return reader.i8();
    case 2:
      return reader.u16();
    case 3:
      return reader.i16();
    case 4:
      return reader.u32();
    case 5:
      return reader.i32();
    case 6:
      return reader.f32();
    case 7:
      return (await reader.u8()) !== 0;
    case 8:
      return reader.string(`the metadata entry ${key}`);
    case arrayType:
      return readArray(reader, key, depth + 1);
    case 10:
      return narrow(await reader.u64());
    case 11:
      return narrow(await reader.i64());
    case 12:
      return reader.f64();
    default:
      throw corrupt(`the metadata entry ${key} has the unknown type ${type}`, { key, type });
  }
}

async function readArray(reader: HeaderReader, key: string, depth: number): Promise<readonly MetadataValue[]> {
  if (depth > maxDepth) throw corrupt(`the metadata entry ${key} nests lists more than ${maxDepth} deep`, { key });
  const type = await reader.u32();
  const least = minBytes[type];
  if (least === undefined)
    throw corrupt(`the metadata entry ${key} lists values of the unknown type ${type}`, { key, type });
  const length = await reader.count(`values in ${key}`, least, Number.MAX_SAFE_INTEGER);
  const values: MetadataValue[] = [];
  for (let i = 0; i < length; i++) values.push(await readValue(reader, key, type, depth));
  return values;
}

function narrow(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
