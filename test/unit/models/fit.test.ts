import assert from "node:assert/strict";
import fc from "fast-check";
import { blocksInPool, fitInMemory, workingBytes } from "../../../src/models/fit";

describe("Fitting a model into memory", () => {
  it("adds up weights, cache and working memory", () => {
    const need = { weightBytes: 1000, kvBytesPerToken: 10, tokens: 50, availableBytes: 2 ** 40 };
    const fit = fitInMemory(need);
    assert.equal(fit.kvBytes, 500);
    assert.equal(fit.neededBytes, 1500 + workingBytes(1000));
    assert.equal(fit.fits, true);
  });

  it("fits exactly as many tokens as it says", () => {
    const bytes = fc.integer({ min: 1, max: 2 ** 36 });
    fc.assert(
      fc.property(
        bytes,
        fc.integer({ min: 1, max: 2 ** 20 }),
        bytes,
        (weightBytes, kvBytesPerToken, availableBytes) => {
          const fitOf = (tokens: number) => fitInMemory({ weightBytes, kvBytesPerToken, tokens, availableBytes });
          const { maxTokens } = fitOf(1);
          assert.equal(fitOf(maxTokens + 1).fits, false);
          assert.ok(maxTokens === 0 || fitOf(maxTokens).fits);
        },
      ),
    );
  });

  it("counts whole blocks", () => {
    assert.equal(blocksInPool(1000, 4, 50), 5);
    assert.equal(blocksInPool(999, 4, 50), 4);
    assert.equal(blocksInPool(199, 4, 50), 0);
  });
});
