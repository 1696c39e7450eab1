import assert from "node:assert/strict";
import { EngineRig, prompt, vocabSize } from "../../support/engine/engineRig";
import { FakeGrammar, FakeGrammarState } from "../../support/engine/fakeGrammar";
import { referenceAnswer } from "../../support/engine/fakeModel";

const stopIds = [60];
const grammar = new FakeGrammar([[3, 11, 25, 9, 12, 17], [7], [9, 14], [2], [5, 8, 33]]);
/** Once begun, its answers never end by themselves. */
const endless = new FakeGrammar([[11, 16, 21, 26, 31, 36], [7, 12, 6], [4], [3, 8, 13], [5]]);

/** Whether the ids are an answer that the grammar allows, or the beginning of one. */
function assertAllowed(ids: readonly number[]): void {
  new FakeGrammarState(grammar, stopIds, ids);
}

describe("Answers with a grammar", () => {
  it("are what the grammar allows, in runs of any length", async () => {
    for (const maxStepsPerRun of [1, 2, 3, 8]) {
      const rig = new EngineRig({}, { maxStepsPerRun });
      const request = { tokens: prompt(9), maxTokens: 20, stopIds, grammar };
      const { tokenIds } = await rig.complete(request);
      assertAllowed(tokenIds);
      assert.deepEqual(tokenIds, referenceAnswer(request, vocabSize));
    }
  });

  it("leave the caches right behind tokens that were appended without sampling", async () => {
    const rig = new EngineRig({}, { maxStepsPerRun: 8 });
    const { tokenIds, blocks } = await rig.complete({ tokens: prompt(9), maxTokens: 20, stopIds, grammar });
    assert.ok(rig.runner.holds(blocks.table, blocks.tokenIds));
    const tokens = Int32Array.from([...prompt(9), ...tokenIds, 4]);
    const next = await rig.complete({ tokens, blocks, maxTokens: 5 });
    assert.deepEqual(next.tokenIds, rig.expected(tokens, 5));
  });

  it("go on where a continued answer stands", async () => {
    const rig = new EngineRig();
    const request = [0, 1, 2, 3, 4, 5]
      .map((variant) => ({ tokens: prompt(9, variant), maxTokens: 16, stopIds, grammar: endless }))
      .find((one) => referenceAnswer(one, vocabSize).length === one.maxTokens);
    assert.ok(request !== undefined, "an answer that is not over at once");
    const whole = referenceAnswer(request, vocabSize);
    for (const said of [1, 4, 7]) {
      const tokens = Int32Array.from([...request.tokens, ...whole.slice(0, said)]);
      const rest = await rig.complete({ ...request, tokens, answeredTokens: said, maxTokens: 16 - said });
      assert.deepEqual(rest.tokenIds, whole.slice(said));
    }
  });

  it("are the same after a pre-emption and together with others", async () => {
    const rig = new EngineRig({ totalBlocks: 16 }, { maxStepsPerRun: 4 });
    const requests = [0, 1, 2].map((variant) => ({
      tokens: prompt(11, variant),
      maxTokens: 28,
      stopIds,
      ...(variant === 1 ? {} : { grammar: endless }),
    }));
    const answers = requests.map(async (request) => {
      const { tokenIds, blocks } = await rig.submit(request).result;
      blocks.release();
      return tokenIds;
    });
    for (let round = 0; round < requests.length; round += 1) {
      await rig.settle();
      await new Promise((resolve) => setImmediate(resolve));
    }
    const expected = requests.map((request) => referenceAnswer(request, vocabSize));
    assert.deepEqual(await Promise.all(answers), expected);
    assert.ok(rig.engine.metricsSnapshot().numPreemptions > 0);
  });

  it("are refused without a stop id, which they would need to end", () => {
    const rig = new EngineRig();
    assert.throws(() => rig.submit({ tokens: prompt(3), stopIds: [], grammar }), { code: "INVALID_REQUEST" });
  });

  it("fail alone where a continued answer is none that the grammar allows", async () => {
    const rig = new EngineRig();
    const tokens = Int32Array.from([...prompt(9), 1]);
    const bad = rig.submit({ tokens, stopIds, grammar, answeredTokens: 1 });
    const failed = assert.rejects(bad.result, { code: "INVALID_REQUEST" });
    const good = rig.submit({ tokens: prompt(9, 1), maxTokens: 4 });
    await rig.settle();
    await failed;
    assert.deepEqual((await good.result).tokenIds, rig.expected(prompt(9, 1), 4));
  });
});
