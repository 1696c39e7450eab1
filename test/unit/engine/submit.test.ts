import assert from "node:assert/strict";
import { InvalidRequestError, PoolExhaustedError } from "../../../src/common/errors";
import { greedy } from "../../../src/engine/ports";
import { EngineRig, prompt, vocabSize } from "../../support/engine/engineRig";

describe("submit", () => {
  it("refuses an empty prompt with InvalidRequestError", () => {
    const rig = new EngineRig();
    assert.throws(() => rig.submit({ tokens: new Int32Array(0) }), InvalidRequestError);
    rig.assertEmpty();
  });

  it("refuses ids that the model does not have, wherever they stand", () => {
    const rig = new EngineRig();
    const tokens = prompt(3);
    const refused = { code: "INVALID_REQUEST" };
    assert.throws(() => rig.submit({ tokens: Int32Array.of(1, vocabSize) }), refused);
    assert.throws(() => rig.submit({ tokens: Int32Array.of(-1) }), refused);
    assert.throws(() => rig.submit({ tokens, stopIds: [vocabSize] }), refused);
    assert.throws(() => rig.submit({ tokens, stopIds: [1.5] }), refused);
    assert.throws(() => rig.submit({ tokens, sampling: { ...greedy, logitBias: new Map([[-2, 1]]) } }), refused);
  });

  it("refuses token counts and sampling parameters that mean nothing", () => {
    const rig = new EngineRig();
    const tokens = prompt(3);
    const refused = { code: "INVALID_REQUEST" };
    for (const maxTokens of [-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => rig.submit({ tokens, maxTokens }), refused);
    }
    const bad = [{ temperature: -1 }, { temperature: Number.NaN }, { topP: 1.1 }, { topK: 2.5 }, { minP: -0.1 }];
    for (const wrong of [...bad, { repetitionPenalty: 0 }, { seed: -1 }, { seed: 2 ** 53 }, { logprobs: 0.5 }]) {
      assert.throws(() => rig.submit({ tokens, sampling: { ...greedy, ...wrong } }), refused);
    }
  });

  it("refuses what exceeds the context, with its numbers", () => {
    const rig = new EngineRig({ maxContextTokens: 20 });
    assert.throws(() => rig.submit({ tokens: prompt(17), maxTokens: 4 }), {
      code: "CONTEXT_FULL",
      facts: { promptTokens: 17, maxTokens: 4, maxContextTokens: 20 },
    });
    rig.submit({ tokens: prompt(16), maxTokens: 4 });
  });

  it("refuses what the whole pool could not hold with PoolExhaustedError, and the pool goes on unharmed", async () => {
    const rig = new EngineRig({ totalBlocks: 10, blockTokens: 4 });
    const tooLarge = (): unknown => rig.submit({ tokens: prompt(78), maxTokens: 3 });
    assert.throws(tooLarge, PoolExhaustedError);
    assert.throws(tooLarge, { facts: { needed: 20, total: 10, blockTokens: 4 }, message: /20 blocks.*has 10/ });
    rig.assertEmpty();
    const { tokenIds, blocks } = await rig.complete({ tokens: prompt(37), maxTokens: 4 });
    assert.deepEqual(tokenIds, rig.expected(prompt(37), 4));
    assert.equal(blocks.table.length, 10);
  });

  it("leaves a cache with its owner when it refuses the request", async () => {
    const rig = new EngineRig();
    const { blocks } = await rig.complete({ tokens: prompt(6) });
    assert.throws(() => rig.submit({ tokens: new Int32Array(0), blocks }));
    assert.throws(() => rig.submit({ tokens: prompt(9), blocks, salt: "other" }), { code: "INVALID_REQUEST" });
    assert.equal(blocks.released, false);
    assert.equal(blocks.numTokens, 9);
  });

  it("refuses a cache that was given away, released, or is in another pool", async () => {
    const rig = new EngineRig();
    const other = new EngineRig();
    const { blocks } = await rig.complete({ tokens: prompt(6) });
    assert.throws(() => other.submit({ tokens: prompt(9), blocks }), { code: "INVALID_REQUEST" });
    rig.submit({ tokens: prompt(9), blocks });
    assert.throws(() => rig.submit({ tokens: prompt(9), blocks }), { code: "INVALID_REQUEST" });
  });

  it("copies the prompt: what the caller does to its array later changes nothing", async () => {
    const rig = new EngineRig();
    const tokens = prompt(9);
    const generation = rig.submit({ tokens });
    tokens.fill(0);
    assert.deepEqual((await rig.finish(generation)).tokenIds, rig.expected(prompt(9), 4));
  });
});
