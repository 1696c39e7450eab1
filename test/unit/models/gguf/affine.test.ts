import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type AffineGroups,
  bitsOf,
  halfToNumber,
  numberToHalf,
  type QuantizedType,
  type ScaleType,
  toAffine,
} from "../../../../src/models/gguf/affine";

/** ggml's own dequantisation of one block (ggml-quants.c), as the reference. */
function dequantizeBlock(type: QuantizedType, block: Buffer): readonly number[] {
  const d = halfToNumber(block.readUInt16LE(0));
  if (type === "Q8_0") return Array.from({ length: 32 }, (_, i) => d * block.readInt8(2 + i));
  const start = type === "Q4_1" ? 4 : 2;
  const nibble = (i: number) => (i < 16 ? block.readUInt8(start + i) & 0xf : block.readUInt8(start + i - 16) >> 4);
  const m = type === "Q4_1" ? halfToNumber(block.readUInt16LE(2)) : 0;
  return Array.from({ length: 32 }, (_, i) => (type === "Q4_1" ? d * nibble(i) + m : d * (nibble(i) - 8)));
}

/** MLX's dequantisation of group `group`: element i sits at bit i · bits of the group's words. */
function dequantizeAffine(type: QuantizedType, scaleType: ScaleType, groups: AffineGroups, group: number) {
  const bits = bitsOf(type);
  const read = (stored: Buffer) =>
    scaleType === "F32" ? stored.readFloatLE(group * 4) : halfToNumber(stored.readUInt16LE(group * 2));
  const [scale, bias] = [read(groups.scales), read(groups.biases)];
  return Array.from({ length: 32 }, (_, i) => {
    const bit = i * bits;
    const word = groups.weight.readUInt32LE(group * bits * 4 + Math.floor(bit / 32) * 4);
    return scale * ((word >>> (bit % 32)) & (2 ** bits - 1)) + bias;
  });
}

const finiteHalf = fc.integer({ min: 0, max: 0xffff }).filter((bits) => (bits & 0x7c00) !== 0x7c00);

describe("GGUF blocks as affine groups", () => {
  for (const type of ["Q4_0", "Q4_1", "Q8_0"] as const) {
    it(`${type}: every weight keeps its exact value, with scales in f16 unless a bias is too large for that`, () => {
      const factor = { Q4_0: 8, Q4_1: 0, Q8_0: 128 }[type];
      const payload = type === "Q8_0" ? 32 : 16;
      const block = fc
        .tuple(finiteHalf, finiteHalf, fc.uint8Array({ minLength: payload, maxLength: payload }))
        .map(([d, m, q]) => {
          const header = Buffer.alloc(type === "Q4_1" ? 4 : 2);
          header.writeUInt16LE(d, 0);
          if (type === "Q4_1") header.writeUInt16LE(m, 2);
          return Buffer.concat([header, q]);
        });
      fc.assert(
        fc.property(fc.array(block, { minLength: 1, maxLength: 4 }), (blocks) => {
          const scales = blocks.map((each) => halfToNumber(each.readUInt16LE(0)));
          for (const scaleType of ["F16", "F32"] as const) {
            const groups = toAffine(type, Buffer.concat(blocks), scaleType);
            if (scaleType === "F16" && scales.some((d) => Math.abs(d) * factor > 65_504)) {
              assert.equal(groups, "too large");
              continue;
            }
            assert.ok(typeof groups !== "string");
            for (const [i, each] of blocks.entries()) {
              const expected = dequantizeBlock(type, each).map((value) => value + 0);
              assert.deepEqual(
                dequantizeAffine(type, scaleType, groups, i).map((value) => value + 0),
                expected,
              );
            }
          }
        }),
      );
    });
  }

  it("refuses scales that are not finite", () => {
    const block = Buffer.alloc(20);
    block.writeUInt16LE(0x7c00, 0);
    assert.equal(toAffine("Q4_1", block, "F16"), "not finite");
    block.writeUInt16LE(0x3c00, 0);
    block.writeUInt16LE(0x7e00, 2);
    assert.equal(toAffine("Q4_1", block, "F16"), "not finite");
  });

  it("writes every finite number of half precision as it was", () => {
    for (let bits = 0; bits < 0x10000; bits += 1) {
      if ((bits & 0x7c00) !== 0x7c00) assert.equal(numberToHalf(halfToNumber(bits)), bits);
    }
  });

  it("reads half precision: signs, subnormals, the largest number", () => {
    const cases: readonly (readonly [number, number])[] = [
      [0x0000, 0],
      [0x0001, 2 ** -24],
      [0x03ff, 1023 * 2 ** -24],
      [0x0400, 2 ** -14],
      [0x3c00, 1],
      [0xc000, -2],
      [0x7bff, 65504],
    ];
    for (const [bits, value] of cases) assert.equal(halfToNumber(bits), value);
    assert.equal(halfToNumber(0xfc00), Number.NEGATIVE_INFINITY);
    assert.ok(Number.isNaN(halfToNumber(0x7c01)));
  });
});
