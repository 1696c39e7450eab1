/** The weights of GGUF's types that have a scale for 16 weights, as ggml computes them. */
import { halfToNumber } from "./halves";

export type WeighedType = "Q2_K" | "Q3_K" | "Q6_K";

type Reader = (input: Buffer, at: number, into: Float64Array) => void;

/** Reads the 256 weights of the block that begins at `at`. */
export function readBlockWeights(type: WeighedType, input: Buffer, at: number, into: Float64Array): void {
  readers[type](input, at, into);
}

const readers: Readonly<Record<WeighedType, Reader>> = {
  Q2_K: (input, at, into) => {
    const d = halfToNumber(input.readUInt16LE(at + 80));
    const dmin = halfToNumber(input.readUInt16LE(at + 82));
    for (let i = 0; i < 256; i++) {
      const scales = byte(input, at + (i >> 4));
      into[i] = d * (scales & 0xf) * twoBits(input, at + 16, i) - dmin * (scales >> 4);
    }
  },
  Q3_K: (input, at, into) => {
    const d = halfToNumber(input.readUInt16LE(at + 108));
    for (let i = 0; i < 256; i++) {
      const group = i >> 4;
      const low = (byte(input, at + 96 + (group & 7)) >> (4 * (group >> 3))) & 0xf;
      const high = (byte(input, at + 104 + (group & 3)) >> (2 * (group >> 2))) & 3;
      // A bit that is not set stands for −4.
      const highBit = (byte(input, at + (i & 31)) >> (i >> 5)) & 1;
      into[i] = d * ((low | (high << 4)) - 32) * (twoBits(input, at + 32, i) - (highBit === 1 ? 0 : 4));
    }
  },
  Q6_K: (input, at, into) => {
    const d = halfToNumber(input.readUInt16LE(at + 208));
    for (let i = 0; i < 256; i++) {
      const half = i >> 7;
      const quarter = (i >> 5) & 3;
      const low = (byte(input, at + 64 * half + (i & 63)) >> (4 * (quarter >> 1))) & 0xf;
      const high = (byte(input, at + 128 + 32 * half + (i & 31)) >> (2 * quarter)) & 3;
      into[i] = d * input.readInt8(at + 192 + (i >> 4)) * ((low | (high << 4)) - 32);
    }
  },
};

function byte(input: Buffer, at: number): number {
  return input[at] ?? 0;
}

/** Of each 128 codes, 32 bytes hold four at a place: 0…31, 32…63, 64…95, 96…127. */
function twoBits(input: Buffer, at: number, i: number): number {
  return (byte(input, at + 32 * (i >> 7) + (i & 31)) >> (2 * ((i >> 5) & 3))) & 3;
}
