import { BlockCodes, type CodedType, readCodes } from "./blockCodes";
import { readBlockWeights, type WeighedType } from "./blockWeights";
import { largestHalf, numberToHalf } from "./halves";
import { type AffineFormat, groupSize, mlxFormatOf, type ScaleType, scaleBytes } from "./mlxFormats";
import { roundGroup } from "./roundWeights";
import { encodingOfType, type QuantizedType } from "./tensorTypes";

/**
 * The parts of consecutive groups, little-endian: packed codes, for each group a scale and, unless the format is MXFP4, a
 * bias.
 */
export interface MlxGroups {
  readonly weight: Buffer;
  readonly scales: Buffer;
  readonly biases: Buffer | undefined;
  /** Largest difference to the file's weights, as a fraction of the largest weight of the group. 0: they are the same. */
  readonly largestError: number;
}

/**
 * Converts consecutive blocks. `input.length` must be a multiple of the type's block size. "not finite": a scale or bias is
 * not, and no sound file has such. "too large": a number is beyond those of `scaleType`.
 */
export function toMlx(
  type: QuantizedType,
  input: Buffer,
  scaleType: ScaleType,
): MlxGroups | "not finite" | "too large" {
  if (type === "MXFP4") return convertMxfp4(input);
  const format = mlxFormatOf(type);
  if (format.mode !== "affine") throw new Error(`${type} has no affine format`);
  const { blockBytes, blockElements } = encodingOfType(type);
  const blocks = input.length / blockBytes;
  const target = new AffineParts((blocks * blockElements) / groupSize, format, scaleType);
  const convert =
    type === "Q2_K" || type === "Q3_K" || type === "Q6_K" ? roundBlock(type, target) : copyBlock(type, target);
  for (let block = 0; block < blocks; block++) {
    const problem = convert(input, block * blockBytes, block * (blockElements / groupSize));
    if (problem !== undefined) return problem;
  }
  return target;
}

type Problem = "not finite" | "too large" | undefined;
type BlockConverter = (input: Buffer, at: number, firstGroup: number) => Problem;

function copyBlock(type: CodedType, target: AffineParts): BlockConverter {
  const groups = encodingOfType(type).blockElements / groupSize;
  const block = new BlockCodes();
  return (input, at, firstGroup) => {
    readCodes(type, input, at, block);
    for (let group = 0; group < groups; group++) {
      const problem = target.setNumbers(firstGroup + group, block.scales[group] ?? 0, block.biases[group] ?? 0);
      if (problem !== undefined) return problem;
      target.pack(firstGroup + group, block.codes, group * groupSize);
    }
    return undefined;
  };
}

function roundBlock(type: WeighedType, target: AffineParts): BlockConverter {
  const weights = new Float64Array(256);
  const codes = new Uint8Array(256);
  return (input, at, firstGroup) => {
    readBlockWeights(type, input, at, weights);
    for (let group = 0; group < 256 / groupSize; group++) {
      const from = group * groupSize;
      for (let i = from; i < from + groupSize; i++) if (!Number.isFinite(weights[i])) return "not finite";
      const { scale, bias, error } = roundGroup(weights, from, target.format.bits, target.scaleType, codes);
      const problem = target.setNumbers(firstGroup + group, scale, bias);
      if (problem !== undefined) return problem;
      target.largestError = Math.max(target.largestError, error);
      target.pack(firstGroup + group, codes, from);
    }
    return undefined;
  };
}

class AffineParts implements MlxGroups {
  readonly weight: Buffer;
  readonly scales: Buffer;
  readonly biases: Buffer;
  largestError = 0;

  constructor(
    groups: number,
    readonly format: AffineFormat,
    readonly scaleType: ScaleType,
  ) {
    this.weight = Buffer.allocUnsafe((groups * groupSize * format.bits) / 8);
    this.scales = Buffer.allocUnsafe(groups * scaleBytes[scaleType]);
    this.biases = Buffer.allocUnsafe(groups * scaleBytes[scaleType]);
  }

  /** Numbers that `scaleType` holds exactly, unless they are beyond it. */
  setNumbers(group: number, scale: number, bias: number): Problem {
    if (this.scaleType === "F32") {
      if (!Number.isFinite(scale) || !Number.isFinite(bias)) return "not finite";
      this.scales.writeFloatLE(scale, group * 4);
      this.biases.writeFloatLE(bias, group * 4);
      return undefined;
    }
    if (Number.isNaN(scale) || Number.isNaN(bias)) return "not finite";
    if (Math.abs(scale) > largestHalf || Math.abs(bias) > largestHalf) return "too large";
    this.scales.writeUInt16LE(numberToHalf(scale), group * 2);
    this.biases.writeUInt16LE(numberToHalf(bias), group * 2);
    return undefined;
  }

  /** MLX packs code i of a group at bits `bits · i` of its little-endian words. */
  pack(group: number, codes: Uint8Array, from: number): void {
    const { bits } = this.format;
    let at = group * bits * 4;
    let waiting = 0;
    let waitingBits = 0;
    for (let i = from; i < from + groupSize; i++) {
      waiting |= (codes[i] ?? 0) << waitingBits;
      waitingBits += bits;
      while (waitingBits >= 8) {
        this.weight[at++] = waiting & 0xff;
        waiting >>= 8;
        waitingBits -= 8;
      }
    }
  }
}

const mxfp4Bytes = 17;

/** Both keep an exponent and 32 four-bit numbers; ggml has the first 16 in the low halves of the bytes, MLX alternates. */
function convertMxfp4(input: Buffer): MlxGroups | "not finite" {
  const groups = input.length / mxfp4Bytes;
  const weight = Buffer.allocUnsafe(groups * 16);
  const scales = Buffer.allocUnsafe(groups);
  for (let group = 0, at = 0; group < groups; group++, at += mxfp4Bytes) {
    const exponent = input[at] ?? 0;
    if (exponent === 0xff) return "not finite";
    scales[group] = exponent;
    for (let i = 0; i < 8; i++) {
      const even = input[at + 1 + 2 * i] ?? 0;
      const odd = input[at + 2 + 2 * i] ?? 0;
      weight[group * 16 + i] = (even & 0xf) | ((odd & 0xf) << 4);
      weight[group * 16 + 8 + i] = (even >> 4) | (odd & 0xf0);
    }
  }
  return { weight, scales, biases: undefined, largestError: 0 };
}
