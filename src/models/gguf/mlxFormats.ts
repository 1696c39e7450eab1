/**
 * The format of MLX that each quantised type of GGUF becomes, in groups of 32.
 *
 * Without loss where w = scale · code + bias holds the same numbers: Q4_0, Q4_1, Q5_0, Q5_1, Q8_0; Q4_K and Q5_K, whose
 * scales and minima are products; IQ4_NL and IQ4_XS, whose tables hold whole numbers; MXFP4, which MLX has too.
 * The others have a scale for 16 weights. Two such halves are rounded to one grid with two more bits than the file's:
 * that adds at most a sixteenth to the noise power of a half whose scale is the larger one.
 */
import type { QuantizedType } from "./tensorTypes";

export const groupSize = 32;

/** How scales and biases are stored. */
export type ScaleType = "F16" | "F32";

export const scaleBytes: Readonly<Record<ScaleType, number>> = { F16: 2, F32: 4 };

export interface AffineFormat {
  readonly mode: "affine";
  readonly bits: 4 | 8;
  /**
   * F16 where the file's scales are halves and their products with a power of two are exact, or where rounding accounts for
   * it. F32 where the scale is a product of a half and a small whole number.
   */
  readonly scales: ScaleType;
  readonly rounded: boolean;
}

export type MlxFormat = AffineFormat | { readonly mode: "mxfp4"; readonly bits: 4; readonly rounded: false };

const affine = (bits: AffineFormat["bits"], scales: ScaleType, rounded = false): AffineFormat => ({
  mode: "affine",
  bits,
  scales,
  rounded,
});

/** Five bits in eight: wider than needed, and readable by every back end. */
const fiveBits = 8;

const formats: Readonly<Record<QuantizedType, MlxFormat>> = {
  Q4_0: affine(4, "F16"),
  Q4_1: affine(4, "F16"),
  Q5_0: affine(fiveBits, "F16"),
  Q5_1: affine(fiveBits, "F16"),
  Q8_0: affine(8, "F16"),
  Q4_K: affine(4, "F32"),
  Q5_K: affine(fiveBits, "F32"),
  IQ4_NL: affine(8, "F16"),
  IQ4_XS: affine(8, "F32"),
  MXFP4: { mode: "mxfp4", bits: 4, rounded: false },
  Q2_K: affine(4, "F16", true),
  Q3_K: affine(fiveBits, "F16", true),
  Q6_K: affine(8, "F16", true),
};

export function mlxFormatOf(type: QuantizedType): MlxFormat {
  return formats[type];
}
