import assert from "node:assert/strict";
import type { AgentBlocks } from "../../../src/engine/agentBlocks";
import { EngineRig, prompt, record } from "../../support/engine/engineRig";

describe("Waiting for room", () => {
  it("starts what fits, lets the rest wait in order, and says so once", async () => {
    const rig = new EngineRig({ totalBlocks: 6 });
    const generations = [0, 1, 2].map((variant) => rig.submit({ tokens: prompt(13, variant), maxTokens: 4 }));
    const events = generations.map(record);
    await rig.settle();
    assert.deepEqual(
      events.map((heard) => heard.filter((event) => event.type === "queued").length),
      [0, 1, 1],
    );
    assert.deepEqual(events[2]?.[0], { type: "queued", neededBlocks: 4, requestsAhead: 1 });
    assert.equal(rig.engine.hasWork, true);
    for (const [variant, generation] of generations.entries()) {
      const { tokenIds, blocks } = await rig.finish(generation);
      assert.deepEqual(tokenIds, rig.expected(prompt(13, variant), 4));
      blocks.release();
    }
    rig.assertEmpty();
  });

  it("does not let a small request overtake a large one that came before", async () => {
    const rig = new EngineRig({ totalBlocks: 6 });
    const running = rig.submit({ tokens: prompt(13), maxTokens: 3 });
    const large = rig.submit({ tokens: prompt(17, 1), maxTokens: 3 });
    const small = rig.submit({ tokens: prompt(2, 2), maxTokens: 1 });
    await rig.step();
    assert.equal(record(small).length, 1);
    (await rig.finish(running)).blocks.release();
    await rig.settle();
    assert.equal((await large.result).tokenIds.length, 3);
    assert.equal((await small.result).tokenIds.length, 1);
  });

  it("starts normal requests before read aheads that came earlier", async () => {
    const rig = new EngineRig({}, { maxSequences: 1 });
    const first = rig.submit({ tokens: prompt(5), maxTokens: 1 });
    const ahead = rig.submit({ tokens: prompt(9, 1), maxTokens: 0, priority: "low" });
    const normal = rig.submit({ tokens: prompt(9, 2), maxTokens: 1 });
    const order: string[] = [];
    for (const [name, generation] of Object.entries({ first, ahead, normal })) {
      generation.onEvent((event) => {
        if (event.type === "done") order.push(name);
      });
    }
    await rig.settle();
    assert.deepEqual(order, ["first", "normal", "ahead"]);
  });

  it("asks for room once, and starts when idle caches were released", async () => {
    const idle: AgentBlocks[] = [];
    const asked: number[] = [];
    const makeRoom = (blocks: number): number => {
      asked.push(blocks);
      const cache = idle.pop();
      const held = cache?.table.length ?? 0;
      cache?.release();
      return held;
    };
    const rig = new EngineRig({ totalBlocks: 8 }, { makeRoom });
    for (const variant of [1, 2]) {
      idle.push((await rig.complete({ tokens: prompt(12, variant), maxTokens: 0 })).blocks);
    }
    const { tokenIds } = await rig.complete({ tokens: prompt(14), maxTokens: 3 });
    assert.deepEqual(tokenIds, rig.expected(prompt(14), 3));
    assert.deepEqual(asked, [2]);
    assert.equal(idle.length, 1);
  });

  it("lets the others run while room is being made", async () => {
    let answer: (freed: number) => void = () => {};
    let questions = 0;
    const asked = new Promise<number>((resolve) => {
      answer = resolve;
    });
    const makeRoom = (): Promise<number> => {
      questions += 1;
      return asked;
    };
    const rig = new EngineRig({ totalBlocks: 8 }, { makeRoom });
    const { blocks: idle } = await rig.complete({ tokens: prompt(8, 1), maxTokens: 0 });
    const running = rig.submit({ tokens: prompt(14), maxTokens: 2 });
    const waiting = rig.submit({ tokens: prompt(26, 2), maxTokens: 2 });
    let woken = 0;
    rig.engine.onWork(() => (woken += 1));
    const done = await rig.finish(running);
    assert.equal(done.tokenIds.length, 2);
    done.blocks.release();
    assert.equal(await rig.step(), false);
    assert.equal(questions, 1);
    idle.release();
    answer(2);
    await asked;
    await Promise.resolve();
    assert.ok(woken > 0);
    assert.equal((await rig.finish(waiting)).tokenIds.length, 2);
  });

  it("waits when nobody can make room, and wakes when a cache is released by itself", async () => {
    const rig = new EngineRig({ totalBlocks: 4 }, { makeRoom: () => Promise.reject(new Error("the disk is full")) });
    const { blocks } = await rig.complete({ tokens: prompt(8, 1), maxTokens: 0 });
    const generation = rig.submit({ tokens: prompt(14), maxTokens: 2 });
    await rig.settle();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(await rig.step(), false);
    assert.ok(rig.logged.some((line) => line.includes("the disk is full")));
    let woken = false;
    rig.engine.onWork(() => {
      woken = true;
    });
    blocks.release();
    assert.ok(woken);
    assert.equal((await rig.finish(generation)).tokenIds.length, 2);
  });

  it("leaves a waiting request its own cache as long as something runs", async () => {
    const rig = new EngineRig({ totalBlocks: 8 });
    const { blocks } = await rig.complete({ tokens: prompt(10, 1), maxTokens: 0 });
    const running = rig.submit({ tokens: prompt(8), maxTokens: 5 });
    const next = rig.submit({ tokens: prompt(24, 2), maxTokens: 1 });
    const last = rig.submit({ tokens: prompt(12, 1), blocks, maxTokens: 1 });
    await rig.step();
    await rig.step();
    running.abort();
    next.abort();
    (await running.result).blocks.release();
    assert.equal((await rig.finish(last)).figures.reusedTokens, 10);
  });

  it("lets no two requests wait for each other's old caches", async () => {
    const rig = new EngineRig({ totalBlocks: 8 });
    const first = await rig.complete({ tokens: prompt(16, 1), maxTokens: 0 });
    const second = await rig.complete({ tokens: prompt(16, 2), maxTokens: 0 });
    const a = rig.submit({ tokens: prompt(20, 1), blocks: first.blocks, maxTokens: 1 });
    const b = rig.submit({ tokens: prompt(20, 2), blocks: second.blocks, maxTokens: 1 });
    const done = await rig.finish(a);
    assert.deepEqual(done.tokenIds, rig.expected(prompt(20, 1), 1));
    done.blocks.release();
    assert.deepEqual((await rig.finish(b)).tokenIds, rig.expected(prompt(20, 2), 1));
  });
});
