/** GGUF's blocks as codes, scales and biases, exactly: w = scale · code + bias for each 32 weights. */
import { halfToNumber } from "./halves";

export type CodedType = "Q4_0" | "Q4_1" | "Q5_0" | "Q5_1" | "Q8_0" | "Q4_K" | "Q5_K" | "IQ4_NL" | "IQ4_XS";

/** Room for one block: a code for each weight, a scale and a bias for each 32. */
export class BlockCodes {
  readonly codes = new Uint8Array(256);
  readonly scales = new Float64Array(8);
  readonly biases = new Float64Array(8);
}

type Reader = (input: Buffer, at: number, into: BlockCodes) => void;

/** Reads the block that begins at `at`. */
export function readCodes(type: CodedType, input: Buffer, at: number, into: BlockCodes): void {
  readers[type](input, at, into);
}

const readers: Readonly<Record<CodedType, Reader>> = {
  Q4_0: (input, at, into) => {
    const d = scaleAt(input, at);
    setGroup(into, 0, d, -8 * d);
    readNibbles(input, at + 2, into.codes, 0);
  },
  Q4_1: (input, at, into) => {
    setGroup(into, 0, scaleAt(input, at), scaleAt(input, at + 2));
    readNibbles(input, at + 4, into.codes, 0);
  },
  Q5_0: (input, at, into) => {
    const d = scaleAt(input, at);
    setGroup(into, 0, d, -16 * d);
    readNibbles(input, at + 6, into.codes, 0);
    addFifthBits(input.readUInt32LE(at + 2), into.codes);
  },
  Q5_1: (input, at, into) => {
    setGroup(into, 0, scaleAt(input, at), scaleAt(input, at + 2));
    readNibbles(input, at + 8, into.codes, 0);
    addFifthBits(input.readUInt32LE(at + 4), into.codes);
  },
  Q8_0: (input, at, into) => {
    const d = scaleAt(input, at);
    setGroup(into, 0, d, -128 * d);
    for (let i = 0; i < 32; i++) into.codes[i] = byte(input, at + 2 + i) ^ 0x80;
  },
  Q4_K: (input, at, into) => {
    readKScales(input, at, into);
    readPairsOfNibbles(input, at + 16, into.codes);
  },
  Q5_K: (input, at, into) => {
    readKScales(input, at, into);
    readPairsOfNibbles(input, at + 48, into.codes);
    for (let group = 0; group < 8; group++) {
      for (let i = 0; i < 32; i++) {
        const code = group * 32 + i;
        into.codes[code] = (into.codes[code] ?? 0) | (((byte(input, at + 16 + i) >> group) & 1) << 4);
      }
    }
  },
  IQ4_NL: (input, at, into) => {
    const d = scaleAt(input, at);
    setGroup(into, 0, d, -128 * d);
    readNibbles(input, at + 2, into.codes, 0);
    lookUp(into.codes, 32);
  },
  IQ4_XS: (input, at, into) => {
    const d = scaleAt(input, at);
    const high = input.readUInt16LE(at + 2);
    for (let group = 0; group < 8; group++) {
      const low = (byte(input, at + 4 + (group >> 1)) >> (4 * (group & 1))) & 0xf;
      const scale = d * ((low | (((high >> (2 * group)) & 3) << 4)) - 32);
      setGroup(into, group, scale, -128 * scale);
      readNibbles(input, at + 8 + 16 * group, into.codes, 32 * group);
    }
    lookUp(into.codes, 256);
  },
};

function byte(input: Buffer, at: number): number {
  return input[at] ?? 0;
}

function scaleAt(input: Buffer, at: number): number {
  return halfToNumber(input.readUInt16LE(at));
}

function setGroup(into: BlockCodes, group: number, scale: number, bias: number): void {
  into.scales[group] = scale;
  into.biases[group] = bias;
}

/** 32 codes: the first 16 in the low halves of 16 bytes, the others in the high ones. */
function readNibbles(input: Buffer, at: number, codes: Uint8Array, to: number): void {
  for (let i = 0; i < 16; i++) {
    const both = byte(input, at + i);
    codes[to + i] = both & 0xf;
    codes[to + 16 + i] = both >> 4;
  }
}

/** 256 codes: of each 64 the first 32 in the low halves of 32 bytes, the others in the high ones. */
function readPairsOfNibbles(input: Buffer, at: number, codes: Uint8Array): void {
  for (let pair = 0; pair < 4; pair++) {
    for (let i = 0; i < 32; i++) {
      const both = byte(input, at + 32 * pair + i);
      codes[64 * pair + i] = both & 0xf;
      codes[64 * pair + 32 + i] = both >> 4;
    }
  }
}

function addFifthBits(bits: number, codes: Uint8Array): void {
  for (let i = 0; i < 32; i++) codes[i] = (codes[i] ?? 0) | (((bits >>> i) & 1) << 4);
}

/** Two halves and 8 pairs of 6-bit numbers in 12 bytes: the scale is d · first, the bias −dmin · second. */
function readKScales(input: Buffer, at: number, into: BlockCodes): void {
  const d = scaleAt(input, at);
  const dmin = scaleAt(input, at + 2);
  for (let group = 0; group < 8; group++) {
    const first = byte(input, at + 4 + (group & 3));
    const second = byte(input, at + 8 + (group & 3));
    const rest = byte(input, at + 12 + (group & 3));
    const scale = group < 4 ? first & 0x3f : (rest & 0xf) | ((first >> 2) & 0x30);
    const min = group < 4 ? second & 0x3f : (rest >> 4) | ((second >> 2) & 0x30);
    setGroup(into, group, d * scale, -dmin * min);
  }
}

/** ggml's kvalues_iq4nl plus 128. */
const iq4Codes = [1, 24, 45, 63, 79, 93, 106, 118, 129, 141, 153, 166, 181, 197, 217, 241];

function lookUp(codes: Uint8Array, count: number): void {
  for (let i = 0; i < count; i++) codes[i] = iq4Codes[codes[i] ?? 0] ?? 0;
}
