import assert from "node:assert/strict";
import fc from "fast-check";
import { greedy } from "../../../src/engine/ports";
import { EngineRig, prompt, record, vocabSize } from "../../support/engine/engineRig";
import { referenceAnswer } from "../../support/engine/fakeModel";

describe("Generating", () => {
  it("gives a short message its first token within three steps while a long prompt is read, during an answer too", async () => {
    for (const besideAnswer of [false, true]) {
      const rig = new EngineRig(
        { totalBlocks: 600, maxContextTokens: 2_000 },
        { tokenBudget: 64, prefillChunkTokens: 16, maxSequences: 8 },
      );
      if (besideAnswer) rig.submit({ tokens: prompt(4, 1), maxTokens: 400 });
      await rig.step();
      const alone = besideAnswer ? 100 : 25;
      const long = rig.submit({ tokens: prompt(1_600), maxTokens: 1 });
      await rig.step();
      const short = rig.submit({ tokens: prompt(8, 2), maxTokens: 1 });
      let steps = 1;
      for (; short.figures().generatedTokens === 0; steps += 1) await rig.step();
      assert.ok(steps <= 4, `${steps - 1} steps`);
      for (; long.figures().generatedTokens === 0; steps += 1) await rig.step();
      assert.ok(steps <= alone * 1.05, `${steps} steps instead of ${alone}`);
    }
  });

  it("counts the tokens that were guessed right, of an answer that is alone only", async () => {
    const rig = new EngineRig({ totalBlocks: 100 }, { lookupTokensPerRun: 8 });
    const generation = rig.submit({ tokens: prompt(30), maxTokens: 20 });
    const { tokenIds, figures, blocks } = await rig.finish(generation);
    assert.deepEqual(tokenIds, rig.expected(prompt(30), 20));
    assert.ok(figures.guessedTokens > 0 && figures.guessedTokens < 19, `${figures.guessedTokens} guessed`);
    assert.equal(figures.guessedTokens, rig.runner.guessedTokens);
    blocks.release();
    const others = [1, 2].map((one) => rig.submit({ owner: `o${one}`, tokens: prompt(30, one), maxTokens: 20 }));
    await rig.settle();
    for (const other of others) assert.equal((await other.result).figures.guessedTokens, 0);
    const asked = rig.submit({ owner: "plain", tokens: prompt(30, 3), maxTokens: 20, promptLookup: false });
    assert.equal((await rig.finish(asked)).figures.guessedTokens, 0);
  });

  it("tells its story in order: reading, tokens one by one, done", async () => {
    const rig = new EngineRig({}, { tokenBudget: 24, prefillChunkTokens: 8 });
    const generation = rig.submit({ tokens: prompt(30), maxTokens: 3 });
    const events = record(generation);
    await rig.settle();
    const expected = rig.expected(prompt(30), 3);
    assert.deepEqual(events.slice(0, -1), [
      { type: "prefill", done: 0, total: 30, reused: 0 },
      { type: "prefill", done: 24, total: 30, reused: 0 },
      { type: "prefill", done: 30, total: 30, reused: 0 },
      ...expected.map((id, index) => ({ type: "token", index, id })),
    ]);
    assert.deepEqual(events.at(-1), { type: "done", result: await generation.result });
  });

  it("hands back a cache of all that was computed: the last sampled token was not", async () => {
    const rig = new EngineRig();
    const { blocks, tokenIds, finishReason } = await rig.complete({ tokens: prompt(6), maxTokens: 4 });
    assert.equal(finishReason, "length");
    assert.deepEqual([...blocks.tokenIds], [...prompt(6), ...tokenIds.slice(0, 3)]);
    assert.equal(blocks.table.length, 3);
    assert.equal(blocks.keys.length, 2);
    assert.ok(rig.runner.holds(blocks.table, blocks.tokenIds));
    blocks.release();
    rig.assertEmpty();
  });

  it("ends at a stop id, which is part of the answer", async () => {
    const rig = new EngineRig();
    const [first = 0, second = 0] = rig.expected(prompt(5), 2);
    assert.notEqual(first, second);
    const result = await rig.complete({ tokens: prompt(5), maxTokens: 9, stopIds: [second] });
    assert.deepEqual([result.finishReason, result.tokenIds], ["stop", [first, second]]);
    assert.equal(result.blocks.numTokens, 6);
  });

  it("gives back what it had reserved and did not use", async () => {
    const rig = new EngineRig();
    const [first = 0] = rig.expected(prompt(5), 1);
    const generation = rig.submit({ tokens: prompt(5), maxTokens: 90, stopIds: [first] });
    assert.equal(rig.engine.pool.reservedBlocks, 0);
    await rig.settle();
    assert.equal(rig.engine.pool.reservedBlocks, 0);
    assert.equal(rig.engine.pool.referencedBlocks, 2);
    (await generation.result).blocks.release();
  });

  it("reads ahead without sampling, and costs the next turn nothing", async () => {
    const rig = new EngineRig();
    const ahead = await rig.complete({ tokens: prompt(11), maxTokens: 0, priority: "low" });
    assert.deepEqual([ahead.finishReason, ahead.tokenIds, ahead.blocks.numTokens], ["length", [], 11]);
    const computed = rig.runner.computedTokens;
    const { figures, tokenIds } = await rig.complete({ tokens: prompt(11), blocks: ahead.blocks, maxTokens: 1 });
    assert.equal(rig.runner.computedTokens - computed, 1);
    assert.deepEqual([figures.reusedTokens, figures.prefilledTokens], [10, 1]);
    assert.deepEqual(tokenIds, rig.expected(prompt(11), 1));
  });

  it("ends a read ahead at once when all of it is cached", async () => {
    const rig = new EngineRig();
    const { blocks } = await rig.complete({ tokens: prompt(11), maxTokens: 0 });
    const runs = rig.runner.batches.length;
    const again = await rig.complete({ tokens: prompt(11), blocks, maxTokens: 0 });
    assert.equal(rig.runner.batches.length, runs);
    assert.equal(again.figures.reusedTokens, 11);
  });

  it("gives penalties the tokens so far, prompt and answer", async () => {
    const rig = new EngineRig({}, { maxStepsPerRun: 4 });
    const sampling = { ...greedy, repetitionPenalty: 1.3 };
    const { tokenIds } = await rig.complete({ tokens: prompt(5), maxTokens: 5, sampling });
    const request = { tokens: prompt(5), maxTokens: 5, sampling };
    assert.deepEqual(tokenIds, referenceAnswer(request, vocabSize));
    assert.notDeepEqual(tokenIds, rig.expected(prompt(5), 5));
  });

  it("lets several decode steps follow each other in one run when nothing else is to be done", async () => {
    const rig = new EngineRig({}, { maxStepsPerRun: 4 });
    const { tokenIds } = await rig.complete({ tokens: prompt(5), maxTokens: 10 });
    assert.deepEqual(
      rig.runner.batches.map((batch) => batch.steps),
      [1, 4, 4, 1],
    );
    assert.deepEqual(tokenIds, rig.expected(prompt(5), 10));
  });

  it("keeps nothing of what ran past a stop", async () => {
    const rig = new EngineRig({}, { maxStepsPerRun: 8 });
    const generation = rig.submit({ tokens: prompt(5), maxTokens: 20 });
    generation.onEvent((event) => {
      if (event.type === "token" && event.index === 3) generation.stop(2);
    });
    const { tokenIds, finishReason, blocks } = await rig.finish(generation);
    assert.deepEqual([finishReason, tokenIds], ["stop", rig.expected(prompt(5), 2)]);
    assert.deepEqual([...blocks.tokenIds], [...prompt(5), ...tokenIds]);
    assert.ok(rig.runner.holds(blocks.table, blocks.tokenIds));
  });

  it("ends a run of several steps early when another request comes", async () => {
    const rig = new EngineRig({}, { maxStepsPerRun: 8 });
    const first = rig.submit({ tokens: prompt(5), maxTokens: 30 });
    first.onEvent((event) => {
      if (event.type === "token" && event.index === 2) rig.submit({ tokens: prompt(5, 1), maxTokens: 1 });
    });
    await rig.settle();
    assert.deepEqual(
      rig.runner.batches.slice(0, 3).map((batch) => [batch.rows.length, batch.steps]),
      [
        [1, 1],
        [1, 8],
        [2, 1],
      ],
    );
    assert.equal(rig.runner.batches[2]?.rows[0]?.start, 5 + 2);
    assert.equal(rig.runner.batches[2]?.rows[0]?.guesser, "a");
  });

  it("measures from submit: waiting, first token, pace", async () => {
    const rig = new EngineRig();
    rig.runner.beforeStep = () => rig.clock.advance(9);
    const { figures } = await rig.complete({ tokens: prompt(5), maxTokens: 5 });
    assert.equal(figures.ttftMs, 9);
    assert.equal(figures.decodeTokensPerSecond, 100);
    assert.equal(figures.queuedMs, 0);
  });

  it("answers the same alone, in a batch, and in chunks of any size", async () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    const limits = fc.record({
      tokenBudget: fc.integer({ min: 6, max: 50 }),
      prefillChunkTokens: fc.integer({ min: 1, max: 50 }),
      maxStepsPerRun: fc.integer({ min: 1, max: 6 }),
      maxSequences: fc.integer({ min: 1, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(lengths, limits, async (counts, options) => {
        const rig = new EngineRig({ totalBlocks: 64 }, options);
        const generations = counts.map((count, index) => rig.submit({ tokens: prompt(count, index), maxTokens: 7 }));
        await rig.settle();
        for (const [index, generation] of generations.entries()) {
          const { tokenIds, blocks } = await generation.result;
          assert.deepEqual(tokenIds, rig.expected(prompt(counts[index] ?? 0, index), 7));
          blocks.release();
        }
        rig.assertEmpty();
      }),
      { seed: 5, numRuns: 200 },
    );
  });
});
