import { halfToNumber } from "../../../src/models/gguf/halves";

/** MLX's affine groups of 32 as numbers: code i sits at bit i · bits of a group's words. `scales`, `biases`: one a group. */
export function dequantizeAffine(
  words: Buffer,
  bits: number,
  scales: readonly number[],
  biases: readonly number[],
): readonly number[] {
  const code = (bit: number) => {
    let value = 0;
    for (let i = 0; i < bits; i++) value |= (((words[(bit + i) >> 3] ?? 0) >> ((bit + i) & 7)) & 1) << i;
    return value;
  };
  return scales.flatMap((scale, group) =>
    Array.from({ length: 32 }, (_, i) => scale * code((group * 32 + i) * bits) + (biases[group] ?? Number.NaN)),
  );
}

const e2m1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6];

/** MLX's MXFP4: number i of a group sits at bits 4 i, its exponent is one byte. */
export function dequantizeMxfp4(words: Buffer, scales: readonly number[]): readonly number[] {
  return scales.flatMap((exponent, group) =>
    Array.from({ length: 32 }, (_, i) => {
      const code = ((words[group * 16 + (i >> 1)] ?? 0) >> (4 * (i & 1))) & 0xf;
      return (code < 8 ? 1 : -1) * (e2m1[code & 7] ?? 0) * 2 ** (exponent - 127);
    }),
  );
}

export function scaleNumbers(stored: Buffer, type: "F16" | "F32"): readonly number[] {
  return type === "F32" ? floats(stored) : numbers(stored, 2, (at) => halfToNumber(stored.readUInt16LE(at)));
}

export function floats(stored: Buffer): readonly number[] {
  return numbers(stored, 4, (at) => stored.readFloatLE(at));
}

function numbers(stored: Buffer, size: number, read: (at: number) => number): readonly number[] {
  return Array.from({ length: stored.length / size }, (_, i) => read(i * size));
}
