/**
 * GGUF's 32-element blocks as MLX's affine format with group size 32, without loss: w = scale · q + bias.
 * Q4_1: scale = d, bias = m. Q4_0: scale = d, bias = −8 d. Q8_0: q is stored plus 128, scale = d, bias = −128 d.
 * MLX packs element i of a group at bits `bits · i` of its little-endian words; GGUF's 4-bit blocks hold elements 0…15
 * in the low nibbles and 16…31 in the high ones.
 */

import type { ConvertibleType } from "./tensorTypes";

export const groupSize = 32;

export type QuantizedType = Extract<ConvertibleType, "Q4_0" | "Q4_1" | "Q8_0">;

export function isQuantized(type: ConvertibleType): type is QuantizedType {
  return type === "Q4_0" || type === "Q4_1" || type === "Q8_0";
}

export function bitsOf(type: QuantizedType): 4 | 8 {
  return type === "Q8_0" ? 8 : 4;
}

/**
 * How scales and biases are stored. The file's are f16, and their products with −8 and −128 are exact in f16 as long as they
 * are finite there: F16 loses nothing, is smaller, and has a GPU compute in f16. F32 holds all of them.
 */
export type ScaleType = "F16" | "F32";

export const scaleBytes: Readonly<Record<ScaleType, number>> = { F16: 2, F32: 4 };

/** The three parts of `blocks` groups: packed words, and per group one scale and one bias, little-endian. */
export interface AffineGroups {
  readonly weight: Buffer;
  readonly scales: Buffer;
  readonly biases: Buffer;
}

/**
 * Converts consecutive blocks. `input.length` must be a multiple of the type's block size. "not finite": a scale or bias is
 * not, and no sound file has such. "too large": a bias is beyond the numbers of `scaleType`.
 */
export function toAffine(
  type: QuantizedType,
  input: Buffer,
  scaleType: ScaleType,
): AffineGroups | "not finite" | "too large" {
  const headerBytes = type === "Q4_1" ? 4 : 2;
  const weightBytes = bitsOf(type) * 4;
  const blocks = input.length / (headerBytes + weightBytes);
  const weight = Buffer.allocUnsafe(blocks * weightBytes);
  const size = scaleBytes[scaleType];
  const scales = Buffer.allocUnsafe(blocks * size);
  const biases = Buffer.allocUnsafe(blocks * size);
  for (let block = 0, at = 0; block < blocks; block++, at += headerBytes + weightBytes) {
    const scale = halfToNumber(input.readUInt16LE(at));
    const bias = type === "Q4_1" ? halfToNumber(input.readUInt16LE(at + 2)) : scale * (type === "Q4_0" ? -8 : -128);
    if (!Number.isFinite(scale) || !Number.isFinite(bias)) return "not finite";
    if (scaleType === "F32") {
      scales.writeFloatLE(scale, block * 4);
      biases.writeFloatLE(bias, block * 4);
    } else {
      if (Math.abs(bias) > largestHalf) return "too large";
      scales.writeUInt16LE(input.readUInt16LE(at), block * 2);
      biases.writeUInt16LE(numberToHalf(bias), block * 2);
    }
    if (type === "Q8_0") flipSigns(input, at + headerBytes, weight, block * weightBytes);
    else interleaveNibbles(input, at + headerBytes, weight, block * weightBytes);
  }
  return { weight, scales, biases };
}

function flipSigns(input: Buffer, from: number, output: Buffer, to: number): void {
  for (let i = 0; i < 32; i++) output[to + i] = (input[from + i] ?? 0) ^ 0x80;
}

function interleaveNibbles(input: Buffer, from: number, output: Buffer, to: number): void {
  for (let i = 0; i < 8; i++) {
    const even = input[from + 2 * i] ?? 0;
    const odd = input[from + 2 * i + 1] ?? 0;
    output[to + i] = (even & 0x0f) | ((odd & 0x0f) << 4);
    output[to + 8 + i] = (even >> 4) | (odd & 0xf0);
  }
}

const largestHalf = 65_504;

/** A number that binary16 holds exactly, to its bits. */
export function numberToHalf(value: number): number {
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  if (size < 2 ** -14) return sign | (size * 2 ** 24);
  const exponent = Math.floor(Math.log2(size));
  return sign | ((exponent + 15) << 10) | ((size / 2 ** exponent - 1) * 1024);
}

/** IEEE 754 binary16 to a number, exactly. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
