import assert from "node:assert/strict";
import { poolSizeFor } from "../../../src/service/poolSize";

const limits = { maxSequences: 16, windowSlackTokens: 64, stepTokens: 256 };
/** Gemma 3 1B with f32 K and V: 22 of 26 layers see 512 tokens. */
const gemma = {
  kvBytesPerToken: 26 * 2048,
  maxContextTokens: 32_768,
  window: { tokens: 512, layers: 22, kvBytesPerToken: 22 * 2048 },
};
const size = (poolBytes: number, info: Parameters<typeof poolSizeFor>[1] = gemma) =>
  poolSizeFor({ poolBytes, blockTokens: 64 }, info, limits);

describe("the block pool's size", () => {
  it("is one number where no layer has a window, or where windows are nearly as long as contexts", () => {
    assert.deepEqual(size(64 * 1000 * 10, { kvBytesPerToken: 1000, maxContextTokens: 8192 }), {
      blocks: 10,
      windowBlocks: 0,
    });
    assert.equal(size(2 ** 31, { ...gemma, maxContextTokens: 1024 }).windowBlocks, 0);
  });

  it("holds several times the context in the same bytes where windows have blocks of their own", () => {
    const { blocks, windowBlocks } = size(2 ** 31);
    assert.ok(blocks * 64 * 4 * 2048 + windowBlocks * 64 * 22 * 2048 <= 2 ** 31);
    assert.equal(windowBlocks, Math.floor(2 ** 30 / (64 * 22 * 2048)), "half the pool at most");
    assert.ok(blocks > 3 * Math.floor(2 ** 31 / (64 * gemma.kvBytesPerToken)));
    assert.equal(size(2 ** 34).windowBlocks, 2 * 16 * 15);
  });

  it("is not divided where the pool is hardly longer than the window", () => {
    assert.equal(size(64 * gemma.kvBytesPerToken * 20).windowBlocks, 0);
  });

  it("is refused where it cannot hold one block", () => {
    assert.throws(() => size(1000), { code: "INVALID_REQUEST" });
  });
});
