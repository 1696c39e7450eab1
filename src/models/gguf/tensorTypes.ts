/** Tensor encodings of GGUF by their number in the file. Sizes from ggml's block structs. */

export type PlainType = "F32" | "F16" | "BF16";

export type QuantizedType =
  | "Q4_0"
  | "Q4_1"
  | "Q5_0"
  | "Q5_1"
  | "Q8_0"
  | "Q2_K"
  | "Q3_K"
  | "Q4_K"
  | "Q5_K"
  | "Q6_K"
  | "IQ4_NL"
  | "IQ4_XS"
  | "MXFP4";

export type ConvertibleType = PlainType | QuantizedType;

export interface TensorEncoding {
  readonly type: ConvertibleType;
  /** Elements that are stored together. */
  readonly blockElements: number;
  readonly blockBytes: number;
}

const convertible: ReadonlyMap<number, TensorEncoding> = new Map<number, TensorEncoding>([
  [0, { type: "F32", blockElements: 1, blockBytes: 4 }],
  [1, { type: "F16", blockElements: 1, blockBytes: 2 }],
  [2, { type: "Q4_0", blockElements: 32, blockBytes: 2 + 16 }],
  [3, { type: "Q4_1", blockElements: 32, blockBytes: 2 + 2 + 16 }],
  [6, { type: "Q5_0", blockElements: 32, blockBytes: 2 + 4 + 16 }],
  [7, { type: "Q5_1", blockElements: 32, blockBytes: 2 + 2 + 4 + 16 }],
  [8, { type: "Q8_0", blockElements: 32, blockBytes: 2 + 32 }],
  [10, { type: "Q2_K", blockElements: 256, blockBytes: 16 + 64 + 2 + 2 }],
  [11, { type: "Q3_K", blockElements: 256, blockBytes: 32 + 64 + 12 + 2 }],
  [12, { type: "Q4_K", blockElements: 256, blockBytes: 2 + 2 + 12 + 128 }],
  [13, { type: "Q5_K", blockElements: 256, blockBytes: 2 + 2 + 12 + 32 + 128 }],
  [14, { type: "Q6_K", blockElements: 256, blockBytes: 128 + 64 + 16 + 2 }],
  [20, { type: "IQ4_NL", blockElements: 32, blockBytes: 2 + 16 }],
  [23, { type: "IQ4_XS", blockElements: 256, blockBytes: 2 + 2 + 4 + 128 }],
  [30, { type: "BF16", blockElements: 1, blockBytes: 2 }],
  [39, { type: "MXFP4", blockElements: 32, blockBytes: 1 + 16 }],
]);

/** Names for refusals only. */
const otherNames: Readonly<Record<number, string>> = {
  9: "Q8_1",
  15: "Q8_K",
  16: "IQ2_XXS",
  17: "IQ2_XS",
  18: "IQ3_XXS",
  19: "IQ1_S",
  21: "IQ3_S",
  22: "IQ2_S",
  24: "I8",
  25: "I16",
  26: "I32",
  27: "I64",
  28: "F64",
  29: "IQ1_M",
  34: "TQ1_0",
  35: "TQ2_0",
  40: "NVFP4",
};

/** All that can be imported, for advice. */
export const convertibleTypes: readonly ConvertibleType[] = [...convertible.values()].map(({ type }) => type);

export function encodingOf(typeId: number): TensorEncoding | undefined {
  return convertible.get(typeId);
}

const encodings: ReadonlyMap<ConvertibleType, TensorEncoding> = new Map(
  [...convertible.values()].map((encoding) => [encoding.type, encoding]),
);

export function encodingOfType(type: ConvertibleType): TensorEncoding {
  const encoding = encodings.get(type);
  if (encoding === undefined) throw new Error(`no encoding is known for ${type}`);
  return encoding;
}

export function typeName(typeId: number): string {
  return convertible.get(typeId)?.type ?? otherNames[typeId] ?? `type ${typeId}`;
}

export function isQuantized(type: ConvertibleType): type is QuantizedType {
  return type !== "F32" && type !== "F16" && type !== "BF16";
}
