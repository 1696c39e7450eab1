/** Tensor encodings of GGUF by their number in the file. Sizes from ggml's block structs. */

export type ConvertibleType = "F32" | "F16" | "BF16" | "Q4_0" | "Q4_1" | "Q8_0";

export interface TensorEncoding {
  readonly type: ConvertibleType;
  /** Elements that are stored together. */
  readonly blockElements: number;
  readonly blockBytes: number;
}

const convertible: ReadonlyMap<number, TensorEncoding> = new Map([
  [0, { type: "F32", blockElements: 1, blockBytes: 4 }],
  [1, { type: "F16", blockElements: 1, blockBytes: 2 }],
  [2, { type: "Q4_0", blockElements: 32, blockBytes: 2 + 16 }],
  [3, { type: "Q4_1", blockElements: 32, blockBytes: 2 + 2 + 16 }],
  [8, { type: "Q8_0", blockElements: 32, blockBytes: 2 + 32 }],
  [30, { type: "BF16", blockElements: 1, blockBytes: 2 }],
]);

/** Names for refusals only. */
const otherNames: Readonly<Record<number, string>> = {
  6: "Q5_0",
  7: "Q5_1",
  9: "Q8_1",
  10: "Q2_K",
  11: "Q3_K",
  12: "Q4_K",
  13: "Q5_K",
  14: "Q6_K",
  15: "Q8_K",
  16: "IQ2_XXS",
  17: "IQ2_XS",
  18: "IQ3_XXS",
  19: "IQ1_S",
  20: "IQ4_NL",
  21: "IQ3_S",
  22: "IQ2_S",
  23: "IQ4_XS",
  24: "I8",
  25: "I16",
  26: "I32",
  27: "I64",
  28: "F64",
  29: "IQ1_M",
  34: "TQ1_0",
  35: "TQ2_0",
  39: "MXFP4",
};

export function encodingOf(typeId: number): TensorEncoding | undefined {
  return convertible.get(typeId);
}

export function typeName(typeId: number): string {
  return convertible.get(typeId)?.type ?? otherNames[typeId] ?? `type ${typeId}`;
}
