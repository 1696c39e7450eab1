import assert from "node:assert/strict";
import { EngineRig, prompt, record } from "../../support/engine/engineRig";

const saved = { rank: () => 0, save: () => undefined, onDropped: () => {} };

describe("Waiting for blocks", () => {
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

  it("drops idle caches of the lowest rank, no more of them than are needed", async () => {
    const rig = new EngineRig({ totalBlocks: 8 });
    const dropped: number[] = [];
    for (const variant of [1, 2]) {
      const { blocks } = await rig.complete({ tokens: prompt(12, variant), maxTokens: 0 });
      blocks.setIdle({ ...saved, rank: () => -variant, onDropped: () => dropped.push(variant) });
    }
    const { tokenIds } = await rig.complete({ tokens: prompt(14), maxTokens: 3 });
    assert.deepEqual(tokenIds, rig.expected(prompt(14), 3));
    assert.deepEqual(dropped, [2]);
  });

  it("spares idle caches of low ranks for a request that asks for it, and waits for others", async () => {
    const rig = new EngineRig({ totalBlocks: 8 });
    const dropped: string[] = [];
    const { blocks: spared } = await rig.complete({ tokens: prompt(12, 1), maxTokens: 0 });
    spared.setIdle({ ...saved, rank: () => -1, onDropped: () => dropped.push("spared") });
    const { blocks: other } = await rig.complete({ tokens: prompt(12, 2), maxTokens: 0 });
    other.setIdle({ ...saved, rank: () => 1, onDropped: () => dropped.push("other") });
    const modest = { priority: "low", sparesRanksBelow: 0, maxTokens: 2 } as const;
    const { blocks, tokenIds } = await rig.complete({ tokens: prompt(14, 3), ...modest });
    assert.deepEqual(tokenIds, rig.expected(prompt(14, 3), 2));
    assert.deepEqual(dropped, ["other"]);

    const waiting = rig.submit({ tokens: prompt(14, 4), ...modest });
    await rig.settle();
    assert.deepEqual(dropped, ["other"]);
    blocks.release();
    assert.equal((await rig.finish(waiting)).tokenIds.length, 2);
    assert.equal(spared.released, false);
  });

  it("drops spared caches where nothing else will ever make room", async () => {
    const rig = new EngineRig({ totalBlocks: 8 });
    const { blocks } = await rig.complete({ tokens: prompt(20, 1), maxTokens: 0 });
    blocks.setIdle({ ...saved, rank: () => -1 });
    const request = { tokens: prompt(18, 2), maxTokens: 2, priority: "low", sparesRanksBelow: 0 } as const;
    assert.deepEqual((await rig.complete(request)).tokenIds, rig.expected(prompt(18, 2), 2));
    assert.equal(blocks.released, true);
  });

  it("drops nothing where all idle caches would not be enough", async () => {
    const rig = new EngineRig({ totalBlocks: 8 });
    const { blocks: idle } = await rig.complete({ tokens: prompt(8, 1), maxTokens: 0 });
    idle.setIdle(saved);
    const { blocks: used } = await rig.complete({ tokens: prompt(8, 2), maxTokens: 0 });
    const waiting = rig.submit({ tokens: prompt(26, 3), maxTokens: 2 });
    await rig.settle();
    assert.equal(idle.released, false);
    used.setIdle(saved);
    assert.equal((await rig.finish(waiting)).tokenIds.length, 2);
    assert.equal(idle.released && used.released, true);
  });

  it("saves an unsaved cache before it is dropped; the others run meanwhile, and the end of the save wakes the engine", async () => {
    let over: () => void = () => {};
    let saves = 0;
    const saving = new Promise<void>((resolve) => {
      over = resolve;
    });
    const rig = new EngineRig({ totalBlocks: 8 });
    const { blocks: idle } = await rig.complete({ tokens: prompt(8, 1), maxTokens: 0 });
    const running = rig.submit({ tokens: prompt(14), maxTokens: 2 });
    const waiting = rig.submit({ tokens: prompt(26, 2), maxTokens: 2 });
    let isOver = false;
    const save = () => {
      if (isOver) return undefined;
      saves += 1;
      return saving;
    };
    idle.setIdle({ ...saved, save });
    let woken = 0;
    rig.engine.onWork(() => (woken += 1));
    const done = await rig.finish(running);
    assert.equal(done.tokenIds.length, 2);
    done.blocks.release();
    assert.equal(await rig.step(), false);
    assert.ok(saves > 0);
    assert.equal(idle.released, false);
    const before = woken;
    isOver = true;
    over();
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(woken > before);
    assert.equal((await rig.finish(waiting)).tokenIds.length, 2);
    assert.equal(idle.released, true);
  });

  it("drops a cache that cannot be saved too: its tokens can be read again", async () => {
    const rig = new EngineRig({ totalBlocks: 4 });
    const { blocks } = await rig.complete({ tokens: prompt(8, 1), maxTokens: 0 });
    let tries = 0;
    const save = () => {
      tries += 1;
      return tries === 1 ? Promise.reject(new Error("the disk is full")) : undefined;
    };
    blocks.setIdle({ ...saved, save });
    const generation = rig.submit({ tokens: prompt(14), maxTokens: 2 });
    await rig.settle();
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(rig.logged.some((line) => line.includes("the disk is full")));
    assert.equal((await rig.finish(generation)).tokenIds.length, 2);
  });

  it("wakes when a cache that somebody used becomes idle, and when one is released", async () => {
    for (const giveUp of ["setIdle", "release"] as const) {
      const rig = new EngineRig({ totalBlocks: 4 });
      const { blocks } = await rig.complete({ tokens: prompt(8, 1), maxTokens: 0 });
      const generation = rig.submit({ tokens: prompt(14), maxTokens: 2 });
      await rig.settle();
      assert.equal(await rig.step(), false);
      let woken = false;
      rig.engine.onWork(() => {
        woken = true;
      });
      if (giveUp === "release") blocks.release();
      else blocks.setIdle(saved);
      assert.ok(woken);
      assert.equal((await rig.finish(generation)).tokenIds.length, 2);
    }
  });

  it("drops no cache for others in the moment in which it is submitted", async () => {
    const rig = new EngineRig({ totalBlocks: 8 });
    const { blocks: idle } = await rig.complete({ tokens: prompt(12, 1, 4), maxTokens: 0 });
    let isSaved = false;
    const save = () => {
      if (isSaved) return undefined;
      isSaved = true;
      return new Promise<void>(() => {});
    };
    idle.setIdle({ ...saved, save, onDropped: () => assert.fail("it is about to be used") });
    const restore = rig.engine.beginRestoreInTurn({ owner: "a", tokens: prompt(30, 2) }, 8);
    const generation = rig.submit({ tokens: prompt(9, 3, 4), blocks: idle, maxTokens: 2 });
    await rig.step();
    (await restore)?.cancel();
    const { tokenIds, figures, blocks } = await rig.finish(generation);
    assert.deepEqual(tokenIds, rig.expected(prompt(9, 3, 4), 2));
    assert.equal(figures.reusedTokens, 4);
    blocks.release();
    rig.assertEmpty();
  });

  it("drops each idle cache once, and ends a restore that waits, when the engine is closed", async () => {
    const rig = new EngineRig({ totalBlocks: 8 });
    const dropped: number[] = [];
    let tries = 0;
    const save = () => {
      tries += 1;
      return tries === 1 ? new Promise<void>(() => {}) : undefined;
    };
    for (const variant of [1, 2]) {
      const { blocks } = await rig.complete({ tokens: prompt(12, variant), maxTokens: 0 });
      const terms = { ...saved, rank: () => variant, onDropped: () => dropped.push(variant) };
      blocks.setIdle(variant === 1 ? { ...terms, save } : terms);
    }
    const restore = rig.engine.beginRestoreInTurn({ owner: "a", tokens: prompt(24, 3) }, 6);
    rig.engine.dispose();
    assert.deepEqual(dropped, [1, 2]);
    (await restore)?.cancel();
    rig.assertEmpty();
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
