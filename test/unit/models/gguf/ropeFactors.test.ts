import assert from "node:assert/strict";
import { llama3Divisors, llama3ScalingOf } from "../../../../src/models/gguf/ropeFactors";

describe("Llama 3's RoPE factors", () => {
  const theta = 500_000;

  it("are recognised from the divisors in the file", () => {
    for (const [factor, headDim] of [
      [8, 128],
      [32, 64],
    ] as const) {
      const scaling = { factor, lowFreqFactor: 1, highFreqFactor: 4, originalContextTokens: 8192 };
      const divisors = Float32Array.from(llama3Divisors(scaling, headDim, theta));
      assert.deepEqual(llama3ScalingOf(divisors, headDim, theta), scaling);
    }
  });

  it("leave high frequencies alone and divide low ones by the factor", () => {
    const divisors = llama3Divisors(
      { factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalContextTokens: 8192 },
      128,
      theta,
    );
    assert.equal(divisors[0], 1);
    assert.equal(divisors.at(-1), 8);
    assert.ok(divisors.every((divisor, i) => divisor >= (divisors[i - 1] ?? 1)));
  });

  it("are refused when they are others", () => {
    const divisors = Float32Array.from({ length: 64 }, (_, i) => 1 + i);
    assert.throws(() => llama3ScalingOf(divisors, 128, theta), /IMPORT_UNSUPPORTED/);
  });
});
