import assert from "node:assert/strict";
import { InvalidRequestError, ResidentError } from "../../../src/common/errors";
import { greedy } from "../../../src/engine/ports";
import { EngineRig, prompt, record } from "../../support/engine/engineRig";

const broken = new ResidentError("NATIVE_FAILURE", "the device broke", "start the engine again");

describe("Aborting and stopping", () => {
  it("ends a waiting request at once and gives its cache back", async () => {
    const rig = new EngineRig();
    const { blocks } = await rig.complete({ tokens: prompt(9), maxTokens: 0 });
    const generation = rig.submit({ tokens: prompt(14), blocks });
    generation.abort();
    const result = await generation.result;
    assert.deepEqual([result.finishReason, result.tokenIds, result.blocks.numTokens], ["aborted", [], 9]);
    assert.equal(rig.engine.hasWork, false);
    result.blocks.release();
    rig.assertEmpty();
  });

  it("keeps what was read when a prompt's reading is aborted", async () => {
    const rig = new EngineRig({}, { tokenBudget: 17 });
    const generation = rig.submit({ tokens: prompt(60) });
    await rig.step();
    await rig.step();
    generation.abort();
    const { finishReason, blocks, figures } = await generation.result;
    assert.deepEqual([finishReason, blocks.numTokens, figures.prefilledTokens], ["aborted", 34, 34]);
    const next = await rig.complete({ tokens: prompt(60), blocks, maxTokens: 2 });
    assert.equal(next.figures.reusedTokens, 34);
    assert.deepEqual(next.tokenIds, rig.expected(prompt(60), 2));
  });

  it("takes effect before the next step when it comes inside one, and later tokens of the run are not heard", async () => {
    const rig = new EngineRig({}, { maxStepsPerRun: 8 });
    const generation = rig.submit({ tokens: prompt(5), maxTokens: 30 });
    generation.onEvent((event) => {
      if (event.type === "token" && event.index === 2) generation.abort();
    });
    const { finishReason, tokenIds, blocks } = await rig.finish(generation);
    assert.deepEqual([finishReason, tokenIds], ["aborted", rig.expected(prompt(5), 3)]);
    assert.ok(blocks.numTokens >= 7 && blocks.numTokens <= 8);
    assert.ok(rig.runner.holds(blocks.table, blocks.tokenIds));
    assert.equal(rig.runner.computedTokens, 5 + 2);
  });

  it("is heard no more after its end, however long the device goes on", async () => {
    const rig = new EngineRig({}, { maxStepsPerRun: 8 });
    const run = rig.runner.run.bind(rig.runner);
    rig.runner.run = (rows, options) => run(rows, { ...options, cancelled: () => false });
    const generation = rig.submit({ tokens: prompt(5), maxTokens: 30 });
    const events = record(generation);
    generation.onEvent((event) => {
      if (event.type === "token" && event.index === 2) generation.abort();
    });
    const { tokenIds, blocks } = await rig.finish(generation);
    assert.equal(events.filter((event) => event.type === "token").length, 3);
    assert.deepEqual([...blocks.tokenIds], [...prompt(5), ...tokenIds]);
    assert.ok(rig.runner.holds(blocks.table, blocks.tokenIds));
    blocks.release();
    rig.assertEmpty();
  });

  it("stays aborted when a stop comes after", async () => {
    const rig = new EngineRig();
    const generation = rig.submit({ tokens: prompt(5), maxTokens: 9 });
    generation.onEvent((event) => {
      if (event.type !== "token" || event.index !== 1) return;
      generation.abort();
      generation.stop(1);
    });
    const { finishReason, tokenIds } = await rig.finish(generation);
    assert.deepEqual([finishReason, tokenIds.length], ["aborted", 2]);
  });

  it("can be stopped before blocks that another computed side by side", async () => {
    const rig = new EngineRig({ blockTokens: 2 });
    const twins = [0, 1].map(() => rig.submit({ tokens: prompt(4), maxTokens: 20 }));
    for (let steps = 0; steps < 9; steps += 1) await rig.step();
    for (const twin of twins) twin.stop(1);
    const [first, second] = await Promise.all(twins.map((twin) => twin.result));
    assert.deepEqual(first?.blocks.table.slice(0, 2), second?.blocks.table.slice(0, 2));
    assert.deepEqual(first?.tokenIds, rig.expected(prompt(4), 1));
    first?.blocks.release();
    second?.blocks.release();
    rig.assertEmpty();
  });

  it("disturbs nobody else in the batch", async () => {
    const rig = new EngineRig();
    const kept = rig.submit({ tokens: prompt(9), maxTokens: 8 });
    const dropped = rig.submit({ tokens: prompt(17, 1), maxTokens: 8 });
    await rig.step();
    dropped.abort();
    await rig.settle();
    assert.deepEqual((await kept.result).tokenIds, rig.expected(prompt(9), 8));
    (await kept.result).blocks.release();
    (await dropped.result).blocks.release();
    rig.assertEmpty();
  });

  it("has no effect on a generation that has ended", async () => {
    const rig = new EngineRig();
    const generation = rig.submit({ tokens: prompt(5), maxTokens: 2 });
    const result = await rig.finish(generation);
    generation.abort();
    generation.stop(0);
    assert.equal(await generation.result, result);
    assert.equal(result.tokenIds.length, 2);
  });

  it("prefers a stop in the text to the length that the same token reached", async () => {
    const rig = new EngineRig();
    const generation = rig.submit({ tokens: prompt(5), maxTokens: 3 });
    generation.onEvent((event) => {
      if (event.type === "token" && event.index === 2) generation.stop(1);
    });
    const { finishReason, tokenIds, blocks } = await rig.finish(generation);
    assert.deepEqual([finishReason, tokenIds.length, blocks.numTokens], ["stop", 1, 6]);
  });

  it("can be stopped between steps, behind what it has said", async () => {
    const rig = new EngineRig({ blockTokens: 2 });
    const generation = rig.submit({ tokens: prompt(5), maxTokens: 20 });
    for (let steps = 0; steps < 8; steps += 1) await rig.step();
    generation.stop(2);
    const { tokenIds, blocks } = await generation.result;
    assert.deepEqual(tokenIds, rig.expected(prompt(5), 2));
    assert.equal(blocks.numTokens, 7);
    assert.ok(rig.runner.holds(blocks.table, blocks.tokenIds));
    blocks.release();
    rig.assertEmpty();
  });
});

describe("Failures of the device", () => {
  it("fails only the request that it names when nothing ran", async () => {
    const rig = new EngineRig();
    const good = rig.submit({ tokens: prompt(9) });
    const guilty = rig.submit({ tokens: prompt(9, 1) });
    rig.runner.failNext = { in: "run", error: new InvalidRequestError("no", "ask otherwise", { sequence: 1 }) };
    await rig.settle();
    await assert.rejects(guilty.result, { code: "INVALID_REQUEST" });
    assert.deepEqual((await good.result).tokenIds, rig.expected(prompt(9), 4));
    (await good.result).blocks.release();
    rig.assertEmpty();
  });

  it("tries each of the step alone when a refusal names none: only who cannot run alone fails", async () => {
    const rig = new EngineRig();
    const run = rig.runner.run.bind(rig.runner);
    rig.runner.run = async (rows, options) => {
      if (rows.some(({ sampling }) => sampling.seed === 7)) throw new InvalidRequestError("no", "ask otherwise");
      return run(rows, options);
    };
    const good = [rig.submit({ tokens: prompt(9) }), rig.submit({ tokens: prompt(9, 1) })];
    const guilty = rig.submit({ tokens: prompt(9, 2), sampling: { ...greedy, seed: 7 } });
    await rig.settle();
    await assert.rejects(guilty.result, { code: "INVALID_REQUEST" });
    for (const [variant, generation] of good.entries()) {
      const { tokenIds, blocks } = await generation.result;
      assert.deepEqual(tokenIds, rig.expected(prompt(9, variant), 4));
      blocks.release();
    }
    rig.assertEmpty();
  });

  it("tries a step that does not fit into memory with half of its tokens, down to one, then fails the request alone", async () => {
    const rig = new EngineRig({}, { tokenBudget: 16, maxSequences: 4 });
    const run = rig.runner.run.bind(rig.runner);
    const tried: number[] = [];
    const outOfMemory = new ResidentError("OUT_OF_MEMORY", "no memory", "close something", { contents: "intact" });
    rig.runner.run = async (rows, options) => {
      const tokens = rows.reduce((sum, row) => sum + row.tokens.length, 0);
      tried.push(tokens);
      if (tokens > 3 || rows.some(({ sampling, start }) => sampling.seed === 7 && start > 4)) throw outOfMemory;
      return run(rows, options);
    };
    const good = rig.submit({ tokens: prompt(20) });
    const guilty = rig.submit({ tokens: prompt(9, 2), sampling: { ...greedy, seed: 7 } });
    const { blocks: idle } = await rig.complete({ tokens: prompt(3, 3), maxTokens: 0 });
    await assert.rejects(guilty.result, outOfMemory);
    assert.deepEqual(tried.slice(0, 4), [16, 8, 4, 2]);
    const { tokenIds, blocks } = await good.result;
    assert.deepEqual(tokenIds, rig.expected(prompt(20), 4));
    assert.equal(idle.stale, false);
    for (const cache of [idle, blocks]) cache.release();
    rig.assertEmpty();
  });

  it("ends the step's requests as aborted when the device was told to stop", async () => {
    const rig = new EngineRig();
    const generation = rig.submit({ tokens: prompt(9) });
    rig.runner.failNext = { in: "run", error: new ResidentError("ABORTED", "closed", "start again") };
    const { finishReason, blocks } = await rig.finish(generation);
    assert.deepEqual([finishReason, blocks.numTokens], ["aborted", 0]);
  });

  it("trusts nothing after any other failure: requests fail, nothing cached is found, old caches are stale", async () => {
    const rig = new EngineRig({}, { maxSequences: 1 });
    const { blocks: idle } = await rig.complete({ tokens: prompt(9), maxTokens: 0 });
    const running = rig.submit({ tokens: prompt(20, 1) });
    const waiting = rig.submit({ tokens: prompt(20, 2) });
    rig.runner.failNext = { in: "run", error: broken };
    await rig.settle();
    await assert.rejects(running.result, broken);
    await assert.rejects(waiting.result, broken);
    assert.equal(idle.stale, true);
    assert.throws(() => rig.submit({ tokens: prompt(12), blocks: idle }), { code: "INVALID_REQUEST" });
    assert.throws(() => rig.engine.reconstructCache(idle), { code: "INVALID_REQUEST" });
    idle.release();
    rig.assertEmpty();
    const { tokenIds, figures, blocks } = await rig.complete({ tokens: prompt(9) });
    assert.equal(figures.reusedTokens, 0);
    assert.deepEqual(tokenIds, rig.expected(prompt(9), 4));
    assert.equal(blocks.stale, false);
  });

  it("treats a failed copy in the same way, and a refused one as the request's own", async () => {
    for (const [error, otherIsStale] of [
      [broken, true],
      [new InvalidRequestError("no", "ask otherwise"), false],
    ] as const) {
      const rig = new EngineRig();
      const { blocks } = await rig.complete({ tokens: prompt(10), maxTokens: 0 });
      const generation = rig.submit({ tokens: prompt(12), blocks: blocks.fork() });
      const beside = rig.submit({ tokens: prompt(12), blocks: blocks.fork() });
      rig.runner.failNext = { in: "copy", error };
      await rig.settle();
      await assert.rejects(generation.result, error);
      assert.equal(blocks.stale, otherIsStale);
      if (otherIsStale) await assert.rejects(beside.result, error);
      else (await beside.result).blocks.release();
      blocks.release();
      rig.assertEmpty();
    }
  });

  it("does not trust a device that owes a token or makes up one", async () => {
    const rig = new EngineRig();
    const generation = rig.submit({ tokens: prompt(5) });
    const run = rig.runner.run.bind(rig.runner);
    rig.runner.run = (rows, options) => run(rows, { ...options, onTokens: () => {} });
    await rig.settle();
    await assert.rejects(generation.result, { code: "INTERNAL" });
    rig.runner.run = (rows, options) =>
      run(rows, { ...options, onTokens: (tokens) => options.onTokens([...tokens, { sequence: 7, id: 1 }]) });
    await assert.rejects(rig.complete({ tokens: prompt(5) }), { code: "INTERNAL" });
    rig.assertEmpty();
  });

  it("fails a request alone whose sampling fails, at the first token and in the middle of a run", async () => {
    for (const failsAt of [0, 2]) {
      const rig = new EngineRig({}, { maxStepsPerRun: 4 });
      const { blocks: idle } = await rig.complete({ tokens: prompt(9, 3), maxTokens: 0 });
      const error = new ResidentError("NATIVE_FAILURE", "no finite logits", "none", { contents: "intact" });
      const sampling = { ...greedy, seed: 7 };
      rig.runner.failSampling = ({ sampling: { seed } }, step) =>
        seed === 7 && rig.runner.batches.length > failsAt + 1 && step === failsAt ? error : undefined;
      const guilty = rig.submit({ tokens: prompt(9), maxTokens: 12, sampling });
      const other = rig.submit({ tokens: prompt(9, 1), maxTokens: 12 });
      await rig.settle();
      await assert.rejects(guilty.result, error);
      const { tokenIds, blocks } = await other.result;
      assert.deepEqual(tokenIds, rig.expected(prompt(9, 1), 12));
      assert.equal(idle.stale, false);
      for (const cache of [idle, blocks]) cache.release();
      rig.assertEmpty();
    }
  });

  it("goes on when a listener throws, and says so in the log", async () => {
    const rig = new EngineRig();
    const generation = rig.submit({ tokens: prompt(5) });
    generation.onEvent(() => {
      throw new Error("the page is gone");
    });
    assert.equal((await rig.finish(generation)).tokenIds.length, 4);
    assert.ok(rig.logged.some((line) => line.includes("the page is gone")));
  });

  it("ends everything when the engine is closed, and its caches are of no use afterwards", async () => {
    const rig = new EngineRig();
    const { blocks } = await rig.complete({ tokens: prompt(5) });
    const generation = rig.submit({ tokens: prompt(9) });
    rig.engine.dispose();
    const result = await generation.result;
    assert.equal(result.finishReason, "aborted");
    assert.equal(blocks.stale, true);
    assert.throws(() => rig.submit({ tokens: prompt(5) }), { code: "ABORTED" });
    blocks.release();
    result.blocks.release();
    rig.assertEmpty();
  });
});
