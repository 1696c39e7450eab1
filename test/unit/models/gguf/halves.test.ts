import assert from "node:assert/strict";
import fc from "fast-check";
import { halfAtLeast, halfAtMost, halfToNumber, numberToHalf } from "../../../../src/models/gguf/halves";

const isNumber = (bits: number) => (bits & 0x7c00) !== 0x7c00;

describe("Numbers of half precision", () => {
  it("are written as they were, every finite one", () => {
    for (let bits = 0; bits < 0x10000; bits += 1) {
      if (isNumber(bits)) assert.equal(numberToHalf(halfToNumber(bits)), bits);
    }
  });

  it("are read: signs, subnormals, the largest number", () => {
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

  it("round to the next one below and above, with none between", () => {
    const number = fc.oneof(
      fc.double({ min: -65_504, max: 65_504, noNaN: true }),
      fc.double({ min: -(2 ** -13), max: 2 ** -13, noNaN: true }),
    );
    fc.assert(
      fc.property(number, (value) => {
        const below = halfToNumber(halfAtMost(value));
        const above = halfToNumber(halfAtLeast(value));
        assert.ok(below <= value && value <= above, `${below} ${value} ${above}`);
        if (below === above) return;
        const ulp = Math.max(2 ** -24, 2 ** (Math.floor(Math.log2(Math.max(-below, above))) - 10));
        assert.ok(above - below <= ulp, `${below} ${value} ${above}`);
      }),
      { numRuns: 2000 },
    );
    for (let bits = 0; bits < 0x10000; bits += 7) {
      if (!isNumber(bits)) continue;
      const value = halfToNumber(bits);
      assert.equal(halfToNumber(halfAtMost(value)), value);
      assert.equal(halfToNumber(halfAtLeast(value)), value);
    }
    assert.equal(halfToNumber(halfAtLeast(70_000)), Number.POSITIVE_INFINITY);
    assert.equal(halfToNumber(halfAtMost(-70_000)), Number.NEGATIVE_INFINITY);
  });
});
