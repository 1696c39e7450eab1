/**
 * Number formats of K and V. "q8" is 8 bits: 32 values of a token's head share a scale of 2 bytes (see
 * native/src/kernels/quantised_head.h). The addon has the same names.
 */
export const kvDtypes = ["f32", "f16", "bf16", "q8"] as const;

export type KvDtype = (typeof kvDtypes)[number];

export function isKvDtype(value: unknown): value is KvDtype {
  return kvDtypes.some((dtype) => dtype === value);
}

/** Bytes of K, or of V, of one token in one head. */
export function kvHeadBytes(dtype: KvDtype, headDim: number): number {
  switch (dtype) {
    case "f32":
      return 4 * headDim;
    case "q8":
      return headDim + 2 * Math.ceil(headDim / 32);
    default:
      return 2 * headDim;
  }
}
