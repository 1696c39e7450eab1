import assert from "node:assert/strict";
import { EngineRig, prompt } from "../../support/engine/engineRig";

const more = (tokens: Int32Array, ...ids: readonly number[]): Int32Array => Int32Array.from([...tokens, ...ids]);

describe("Caches between turns", () => {
  it("reads only what is new, and answers as if it had read everything", async () => {
    const rig = new EngineRig();
    const { blocks } = await rig.complete({ tokens: prompt(10), maxTokens: 4 });
    const next = more(blocks.tokenIds, 1, 2, 3);
    const computed = rig.runner.computedTokens;
    const { figures, tokenIds } = await rig.complete({ tokens: next, blocks, maxTokens: 1 });
    assert.deepEqual([figures.reusedTokens, figures.prefilledTokens], [13, 3]);
    assert.equal(rig.runner.computedTokens - computed, 3);
    assert.deepEqual(tokenIds, rig.expected(next, 1));
    assert.equal(rig.runner.copies, 0);
  });

  it("drops what disagrees and keeps what is before it", async () => {
    const rig = new EngineRig();
    const { blocks } = await rig.complete({ tokens: prompt(10), maxTokens: 0 });
    const other = prompt(10, 1, 7);
    const { figures, tokenIds } = await rig.complete({ tokens: other, blocks, maxTokens: 2 });
    assert.equal(figures.reusedTokens, 7);
    assert.deepEqual(tokenIds, rig.expected(other, 2));
  });

  it("forks without reading: both sides go on, the shared tail is copied once, neither sees the other", async () => {
    const rig = new EngineRig();
    const { blocks } = await rig.complete({ tokens: prompt(10), maxTokens: 0 });
    const computed = rig.runner.computedTokens;
    const fork = blocks.fork("b");
    assert.deepEqual(fork.table, blocks.table);
    assert.equal(rig.runner.computedTokens, computed);
    const left = rig.submit({ tokens: more(prompt(10), 1), blocks, maxTokens: 6 });
    await rig.step();
    const right = rig.submit({ tokens: more(prompt(10), 2), blocks: fork, maxTokens: 6 });
    await rig.settle();
    assert.deepEqual((await left.result).tokenIds, rig.expected(more(prompt(10), 1), 6));
    assert.deepEqual((await right.result).tokenIds, rig.expected(more(prompt(10), 2), 6));
    assert.equal(rig.runner.copies, 1);
    assert.equal((await right.result).blocks.owner, "a");
    (await left.result).blocks.release();
    (await right.result).blocks.release();
    rig.assertEmpty();
  });

  it("rewinds without reading, into the middle of a block too, and the branch that was left is found again", async () => {
    const rig = new EngineRig();
    const first = await rig.complete({ tokens: prompt(10), maxTokens: 5 });
    const whole = first.blocks.tokenIds.slice();
    first.blocks.rewind(6);
    assert.deepEqual([first.blocks.numTokens, first.blocks.table.length, first.blocks.keys.length], [6, 2, 1]);
    const other = more(prompt(6), 50, 51);
    const second = await rig.complete({ tokens: other, blocks: first.blocks, maxTokens: 3 });
    assert.equal(second.figures.reusedTokens, 6);
    assert.deepEqual(second.tokenIds, rig.expected(other, 3));
    const back = await rig.complete({ tokens: more(whole, 1), maxTokens: 1 });
    assert.equal(back.figures.reusedTokens, 12);
    assert.deepEqual(back.tokenIds, rig.expected(more(whole, 1), 1));
  });

  it("refuses to rewind to a token that it does not hold", async () => {
    const rig = new EngineRig();
    const { blocks } = await rig.complete({ tokens: prompt(5), maxTokens: 0 });
    for (const numTokens of [6, -1, 2.5]) {
      assert.throws(() => blocks.rewind(numTokens), { code: "INVALID_REQUEST" });
    }
    assert.equal(blocks.numTokens, 5);
  });

  it("is released once: again, or any use after it, is a bug that changes nothing", async () => {
    const rig = new EngineRig();
    const { blocks } = await rig.complete({ tokens: prompt(5) });
    blocks.release();
    assert.throws(() => blocks.release(), { code: "INTERNAL" });
    assert.throws(() => blocks.fork(), { code: "INTERNAL" });
    assert.throws(() => blocks.numTokens, { code: "INTERNAL" });
    assert.equal(blocks.released, true);
    rig.assertEmpty();
  });

  it("shares full blocks of equal prompts without a handle, and of different salts never", async () => {
    const rig = new EngineRig();
    (await rig.complete({ tokens: prompt(13), salt: "x" })).blocks.release();
    assert.equal((await rig.complete({ tokens: prompt(13) })).figures.reusedTokens, 0);
    assert.equal((await rig.complete({ tokens: prompt(13) })).figures.reusedTokens, 12);
    assert.equal((await rig.complete({ tokens: prompt(13), salt: "x" })).figures.reusedTokens, 12);
  });

  it("runs a fully cached prompt's last token again, in a copy of the block where others hold it", async () => {
    const rig = new EngineRig();
    const { blocks } = await rig.complete({ tokens: prompt(12), maxTokens: 0 });
    const { figures, tokenIds } = await rig.complete({ tokens: prompt(12), maxTokens: 5 });
    assert.equal(figures.reusedTokens, 11);
    assert.equal(rig.runner.copies, 1);
    assert.deepEqual(tokenIds, rig.expected(prompt(12), 5));
    assert.ok(rig.runner.holds(blocks.table, blocks.tokenIds));
  });

  it("takes the block itself where no block is left for the copy and nobody else holds it", async () => {
    const rig = new EngineRig({ totalBlocks: 3, blockTokens: 4 });
    const { blocks } = await rig.complete({ tokens: prompt(12), maxTokens: 0 });
    const { figures, tokenIds } = await rig.complete({ tokens: prompt(12), blocks, maxTokens: 1 });
    assert.equal(figures.reusedTokens, 11);
    assert.equal(rig.runner.copies, 0);
    assert.deepEqual(tokenIds, rig.expected(prompt(12), 1));
  });

  it("waits for a block to copy to as long as others hold the one it would take", async () => {
    const rig = new EngineRig({ totalBlocks: 3, blockTokens: 4 });
    const { blocks } = await rig.complete({ tokens: prompt(12), maxTokens: 0 });
    const generation = rig.submit({ tokens: prompt(12), maxTokens: 1 });
    await rig.settle();
    assert.equal(rig.engine.hasWork, true);
    assert.ok(rig.runner.holds(blocks.table, blocks.tokenIds));
    blocks.release();
    assert.deepEqual((await rig.finish(generation)).tokenIds, rig.expected(prompt(12), 1));
  });

  it("finds again what it was rewound from, in a pool with no block to spare", async () => {
    const rig = new EngineRig({ totalBlocks: 3, blockTokens: 4 });
    const { blocks } = await rig.complete({ tokens: prompt(12), maxTokens: 0 });
    blocks.rewind(10);
    const { figures, tokenIds } = await rig.complete({ tokens: prompt(12), blocks, maxTokens: 1 });
    assert.equal(figures.reusedTokens, 11);
    assert.deepEqual(tokenIds, rig.expected(prompt(12), 1));
  });

  it("takes a prompt's blocks at once, in one run where there is one, however small the chunks", async () => {
    const rig = new EngineRig({ totalBlocks: 13 }, { tokenBudget: 17 });
    const first = await rig.complete({ tokens: prompt(3, 1), maxTokens: 0 });
    const { blocks } = await rig.complete({ tokens: prompt(40), maxTokens: 0 });
    const start = blocks.table[0] ?? -1;
    assert.deepEqual(
      blocks.table,
      Array.from({ length: 10 }, (_, index) => start + index),
    );
    first.blocks.release();
  });

  it("keeps one copy of what two requests computed side by side", async () => {
    const rig = new EngineRig();
    const a = rig.submit({ tokens: prompt(12), maxTokens: 0 });
    const b = rig.submit({ tokens: prompt(12), maxTokens: 0, owner: "b" });
    await rig.settle();
    assert.deepEqual((await a.result).blocks.table, (await b.result).blocks.table);
    assert.equal(rig.engine.pool.referencedBlocks, 3);
  });

  it("moves tables without touching the device: reconstruct and extract give the same cache back", async () => {
    const rig = new EngineRig({ totalBlocks: 40, blockTokens: 8, maxContextTokens: 400 });
    const { blocks } = await rig.complete({ tokens: prompt(250), maxTokens: 0 });
    const table = [...blocks.table];
    const keys = [...blocks.keys];
    const computed = rig.runner.computedTokens;
    const sequence = rig.engine.reconstructCache(blocks);
    assert.equal(blocks.released, true);
    assert.equal(sequence.numComputedTokens, 250);
    rig.engine.assertInvariants();
    const again = rig.engine.extractCache(sequence);
    assert.deepEqual([again.table, again.keys, [...again.tokenIds]], [table, keys, [...prompt(250)]]);
    assert.throws(() => rig.engine.extractCache(sequence), { code: "INTERNAL" });
    assert.deepEqual([rig.runner.computedTokens, rig.runner.copies], [computed, 0]);
    again.release();
    rig.assertEmpty();
  });

  it("says whose every block is", async () => {
    const rig = new EngineRig({ totalBlocks: 12 });
    const { blocks } = await rig.complete({ tokens: prompt(10), maxTokens: 0 });
    const fork = blocks.fork("b");
    blocks.rewind(4);
    assert.deepEqual(rig.engine.poolMap(), [
      { kind: "shared", count: 1 },
      { kind: "agent", owner: "b", count: 2 },
      { kind: "free", count: 9 },
    ]);
    fork.release();
    assert.deepEqual(rig.engine.poolMap(), [
      { kind: "agent", owner: "a", count: 1 },
      { kind: "reusable", count: 1 },
      { kind: "free", count: 10 },
    ]);
  });
});
