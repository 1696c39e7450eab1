import assert from "node:assert/strict";
import { EngineRig, prompt, record } from "../../support/engine/engineRig";

const saved = { rank: () => 0, save: () => undefined, onDropped: () => {} };

describe("Pre-emption", () => {
  it("lets 24 requests finish on a pool for 4, each with exactly the answer that it has alone", async () => {
    // 4 + 20 tokens are 6 blocks each.
    const rig = new EngineRig({ totalBlocks: 24 }, { maxSequences: 24 });
    const generations = Array.from({ length: 24 }, (_, variant) =>
      rig.submit({ owner: `o${variant}`, tokens: prompt(4, variant), maxTokens: 21 }),
    );
    const answers = generations.map(async (generation, variant) => {
      const { tokenIds, finishReason, blocks } = await generation.result;
      assert.deepEqual([tokenIds, finishReason], [rig.expected(prompt(4, variant), 21), "length"]);
      blocks.release();
    });
    await rig.settle();
    await Promise.all(answers);
    assert.ok(rig.engine.metricsSnapshot().numPreemptions > 0);
    rig.assertEmpty();
  });

  it("takes the blocks of the youngest, which goes on where it was and tells what it read twice", async () => {
    const rig = new EngineRig({ totalBlocks: 8 });
    const old = rig.submit({ owner: "old", tokens: prompt(8), maxTokens: 20 });
    const young = rig.submit({ owner: "young", tokens: prompt(8, 1), maxTokens: 12 });
    const heard = record(young);
    const released = old.result.then(({ blocks }) => blocks.release());
    const { tokenIds, figures, blocks } = await rig.finish(young);
    await released;
    assert.equal(old.figures().recomputedTokens, 0);
    assert.deepEqual(tokenIds, rig.expected(prompt(8, 1), 12));
    assert.deepEqual([figures.reusedTokens, figures.prefilledTokens, figures.generatedTokens], [0, 8, 12]);
    assert.ok(figures.recomputedTokens > 0, "its blocks were reused meanwhile");
    assert.equal(heard.filter(({ type }) => type === "queued").length, 1, "it says that it waits");
    assert.deepEqual(
      heard.flatMap((event) => (event.type === "token" ? [event.index] : [])),
      Array.from({ length: 12 }, (_, index) => index),
    );
    blocks.release();
    rig.assertEmpty();
  });

  it("lets it begin again without room for all that it may still write, which is the whole pool where nobody said", async () => {
    const rig = new EngineRig({ totalBlocks: 40 });
    const asLongAsFits = 40 * 4 - 8 + 1;
    const old = rig.submit({ owner: "old", tokens: prompt(8), maxTokens: asLongAsFits });
    const young = rig.submit({ owner: "young", tokens: prompt(8, 1), maxTokens: asLongAsFits });
    while (rig.engine.metricsSnapshot().numPreemptions === 0) await rig.step();
    const written = young.figures().generatedTokens;
    old.abort();
    const { blocks: idle } = await old.result;
    // An agent that stays in memory.
    idle.rewind(32);
    await rig.settle();
    assert.ok(young.figures().generatedTokens > written + 32);
    idle.release();
    assert.deepEqual((await rig.finish(young)).tokenIds, rig.expected(prompt(8, 1), asLongAsFits));
  });

  it("takes idle caches before anybody's blocks", async () => {
    const rig = new EngineRig({ totalBlocks: 8 });
    const { blocks: idle } = await rig.complete({ tokens: prompt(12, 3), maxTokens: 0 });
    idle.setIdle(saved);
    const first = rig.submit({ tokens: prompt(4), maxTokens: 13 });
    const second = rig.submit({ tokens: prompt(4, 1), maxTokens: 13 });
    const over = Promise.all([first.result, second.result]);
    await rig.settle();
    const [a, b] = await over;
    assert.deepEqual(a.tokenIds, rig.expected(prompt(4), 13));
    assert.deepEqual(b.tokenIds, rig.expected(prompt(4, 1), 13));
    assert.equal(rig.engine.metricsSnapshot().numPreemptions, 0);
  });

  it("goes on with the younger when the older that it paused for is stopped", async () => {
    const rig = new EngineRig({ totalBlocks: 8 });
    const older = rig.submit({ tokens: prompt(8), maxTokens: 20 });
    const { blocks: used } = await rig.complete({ tokens: prompt(8, 1), maxTokens: 0 });
    const younger = rig.submit({ tokens: prompt(4, 2), maxTokens: 16 });
    await rig.settle();
    older.abort();
    await rig.settle();
    (await older.result).blocks.setIdle(saved);
    assert.deepEqual((await rig.finish(younger)).tokenIds, rig.expected(prompt(4, 2), 16));
    used.release();
  });

  it("takes a read ahead's blocks before those of an answer", async () => {
    const rig = new EngineRig({ totalBlocks: 8 }, { prefillChunkTokens: 1 });
    const answer = rig.submit({ tokens: prompt(8), maxTokens: 20 });
    await rig.step();
    const ahead = rig.submit({ tokens: prompt(16, 1), maxTokens: 0, priority: "low" });
    const done = answer.result.then((result) => {
      result.blocks.release();
      return result.tokenIds;
    });
    await rig.settle();
    assert.deepEqual(await done, rig.expected(prompt(8), 20));
    const { blocks, figures } = await rig.finish(ahead);
    assert.ok(rig.runner.holds(blocks.table, prompt(16, 1)));
    assert.ok(figures.recomputedTokens > 0);
  });

  it("pauses the oldest when nobody has blocks to give, and wakes when a cache is released", async () => {
    const rig = new EngineRig({ totalBlocks: 6 });
    const { blocks: idle } = await rig.complete({ tokens: prompt(8, 1), maxTokens: 0 });
    const generation = rig.submit({ tokens: prompt(8), maxTokens: 14 });
    await rig.settle();
    assert.equal(rig.engine.metricsSnapshot().numRequestsRunning, 1, "it has begun");
    assert.equal(await rig.step(), false);
    let woken = false;
    rig.engine.onWork(() => {
      woken = true;
    });
    idle.release();
    assert.ok(woken);
    assert.deepEqual((await rig.finish(generation)).tokenIds, rig.expected(prompt(8), 14));
  });

  it("starts nothing new while somebody pauses", async () => {
    const rig = new EngineRig({ totalBlocks: 6 });
    const { blocks: idle } = await rig.complete({ tokens: prompt(8, 1), maxTokens: 0 });
    const old = rig.submit({ tokens: prompt(8), maxTokens: 14 });
    await rig.settle();
    const later = rig.submit({ tokens: prompt(1, 2), maxTokens: 1 });
    await rig.settle();
    assert.equal(later.figures().promptTokens - later.figures().prefilledTokens, 1);
    idle.release();
    (await rig.finish(old)).blocks.release();
    assert.equal((await rig.finish(later)).tokenIds.length, 1);
  });

  it("ends a pre-empted request at once when it is aborted, with what it had written", async () => {
    const rig = new EngineRig({ totalBlocks: 8 });
    const old = rig.submit({ tokens: prompt(8), maxTokens: 24 });
    const young = rig.submit({ tokens: prompt(8, 1), maxTokens: 12 });
    while (rig.engine.metricsSnapshot().numPreemptions === 0) await rig.step();
    young.abort();
    const { finishReason, tokenIds, blocks } = await young.result;
    assert.equal(finishReason, "aborted");
    assert.deepEqual(tokenIds, rig.expected(prompt(8, 1), 12).slice(0, tokenIds.length));
    assert.ok(tokenIds.length > 0);
    blocks.release();
    assert.deepEqual((await rig.finish(old)).tokenIds, rig.expected(prompt(8), 24));
  });
});
