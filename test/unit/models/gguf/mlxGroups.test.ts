import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { numberToHalf } from "../../../../src/models/gguf/halves";
import { mlxFormatOf, type ScaleType } from "../../../../src/models/gguf/mlxFormats";
import { toMlx } from "../../../../src/models/gguf/mlxGroups";
import { convertibleTypes, isQuantized, type QuantizedType } from "../../../../src/models/gguf/tensorTypes";
import { dequantizeAffine, dequantizeMxfp4, floats, scaleNumbers } from "../../../support/models/mlxFormats";

interface Recorded {
  readonly types: Readonly<Record<string, { readonly blocks: string; readonly weights: string }>>;
  readonly affine: readonly {
    readonly bits: number;
    readonly scales: readonly number[];
    readonly biases: readonly number[];
    readonly words: string;
    readonly numbers: string;
  }[];
  readonly mxfp4: { readonly scales: readonly number[]; readonly words: string; readonly numbers: string };
}

/** By ggml's package and by MLX: test/fixtures/gguf/record.py. */
const recorded: Recorded = JSON.parse(readFileSync(path.resolve("test/fixtures/gguf/blocks.json"), "utf8"));
const decode = (text: string) => Buffer.from(text, "base64");
const types = convertibleTypes.filter(isQuantized);

function recordedBlocks(type: QuantizedType): { readonly blocks: Buffer; readonly weights: readonly number[] } {
  const entry = recorded.types[type];
  assert.ok(entry !== undefined, `${type} is not recorded`);
  return { blocks: decode(entry.blocks), weights: floats(decode(entry.weights)) };
}

function converted(type: QuantizedType, blocks: Buffer, scaleType: ScaleType) {
  const groups = toMlx(type, blocks, scaleType);
  assert.ok(typeof groups !== "string", `${type}: ${String(groups)}`);
  const { weight, scales, biases, largestError } = groups;
  const weights =
    biases === undefined
      ? dequantizeMxfp4(weight, [...scales])
      : dequantizeAffine(
          weight,
          mlxFormatOf(type).bits,
          scaleNumbers(scales, scaleType),
          scaleNumbers(biases, scaleType),
        );
  return { weights, largestError };
}

function ownScales(type: QuantizedType): ScaleType {
  const format = mlxFormatOf(type);
  return format.mode === "affine" ? format.scales : "F16";
}

/** Of each group of 32: the largest difference over the largest weight. */
function largestError(weights: readonly number[], expected: readonly number[]): number {
  let largest = 0;
  for (let group = 0; group < expected.length; group += 32) {
    const of = expected.slice(group, group + 32);
    const differences = of.map((weight, i) => Math.abs((weights[group + i] ?? Number.NaN) - weight));
    largest = Math.max(largest, Math.max(...differences) / Math.max(...of.map(Math.abs)));
  }
  return largest;
}

describe("GGUF blocks in MLX's formats", () => {
  it("the test reads MLX's formats as MLX does", () => {
    for (const { bits, scales, biases, words, numbers } of recorded.affine) {
      assert.deepEqual(dequantizeAffine(decode(words), bits, scales, biases), floats(decode(numbers)), `${bits} bits`);
    }
    const { words, scales, numbers } = recorded.mxfp4;
    assert.deepEqual(dequantizeMxfp4(decode(words), scales), floats(decode(numbers)));
  });

  for (const type of types.filter((each) => !mlxFormatOf(each).rounded)) {
    it(`${type}: every weight keeps its value`, () => {
      const { blocks, weights } = recordedBlocks(type);
      for (const scaleType of new Set<ScaleType>([ownScales(type), "F32"])) {
        const own = converted(type, blocks, scaleType);
        assert.equal(own.largestError, 0);
        // ggml's package rounds products and sums to f32.
        assert.equal(own.weights.length, weights.length);
        for (const [i, weight] of own.weights.entries()) {
          const expected = weights[i] ?? Number.NaN;
          assert.ok(
            Math.abs(weight - expected) <= 2 ** -21 * Math.max(Math.abs(expected), 1e-3),
            `${weight} ${expected}`,
          );
        }
      }
    });
  }

  for (const type of types.filter((each) => mlxFormatOf(each).rounded)) {
    it(`${type}: no weight is more than half a step of the group off, and the error is told`, () => {
      const { blocks, weights } = recordedBlocks(type);
      for (const scaleType of ["F16", "F32"] as const) {
        const own = converted(type, blocks, scaleType);
        const told = own.largestError;
        assert.ok(Math.abs(largestError(own.weights, weights) - told) < 1e-6);
        // A group reaches at most from −1 to 1 times its largest weight.
        assert.ok(told > 0 && told <= 1.02 / (2 ** mlxFormatOf(type).bits - 1), `${told}`);
      }
    });
  }

  it("rounds a group of equal weights, and one of zeros, without an error", () => {
    const block = Buffer.alloc(210);
    assert.deepEqual(new Set(converted("Q6_K", block, "F16").weights), new Set([0]));
    block.fill(1, 192, 208);
    block.writeUInt16LE(0x3c00, 208);
    const { weights, largestError: error } = converted("Q6_K", block, "F16");
    assert.deepEqual(new Set(weights), new Set([-32]));
    assert.equal(error, 0);
  });

  it("refuses scales that are not finite, in each type", () => {
    const halves: Readonly<Record<QuantizedType, number | undefined>> = {
      Q4_0: 0,
      Q4_1: 2,
      Q5_0: 0,
      Q5_1: 2,
      Q8_0: 0,
      Q2_K: 82,
      Q3_K: 108,
      Q4_K: 2,
      Q5_K: 0,
      Q6_K: 208,
      IQ4_NL: 0,
      IQ4_XS: 0,
      MXFP4: undefined,
    };
    for (const type of types) {
      const { blocks } = recordedBlocks(type);
      const at = halves[type];
      if (at === undefined) blocks[0] = 0xff;
      else blocks.writeUInt16LE(0x7e00, at);
      assert.equal(toMlx(type, blocks, ownScales(type)), "not finite", type);
    }
  });

  it("says where a bias is too large for a half, and stores it as f32", () => {
    const block = Buffer.alloc(34);
    block.writeUInt16LE(numberToHalf(512), 0);
    assert.equal(toMlx("Q8_0", block, "F16"), "too large");
    assert.equal(converted("Q8_0", block, "F32").weights[0], 0);
  });
});
