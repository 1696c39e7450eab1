import assert from "node:assert/strict";
import type { Restore } from "../../../src/engine/restore";
import { EngineRig, prompt } from "../../support/engine/engineRig";

function fill(rig: EngineRig, restore: Restore, tokens: Int32Array): void {
  for (const { block, start, tokens: part } of restore.targets) rig.runner.fill(block, start, tokens, part.length);
}

describe("Restoring a cache from elsewhere", () => {
  it("gives blocks to fill that nothing names, then a cache that needs no reading", async () => {
    const rig = new EngineRig();
    const tokens = prompt(10);
    const restore = rig.engine.beginRestore({ owner: "a", tokens });
    assert.deepEqual(
      restore.targets.map(({ start, tokens: part, key }) => [start, part.length, key !== undefined]),
      [
        [0, 4, true],
        [4, 4, true],
        [8, 2, false],
      ],
    );
    fill(rig, restore, tokens);
    const blocks = restore.commit(10);
    rig.engine.assertInvariants();
    const { figures, tokenIds } = await rig.complete({ tokens: prompt(13), blocks, maxTokens: 4 });
    assert.equal(figures.reusedTokens, 10);
    assert.deepEqual(tokenIds, rig.expected(prompt(13), 4));
  });

  it("hashes no block whose key is known", () => {
    const rig = new EngineRig();
    const first = rig.hasher.next(rig.hasher.root, prompt(4));
    const keys = [first, rig.hasher.next(first, prompt(8).subarray(4)), "of a block that is not wanted"];
    rig.hasher.failNext = new Error("a block was hashed");
    const restore = rig.engine.beginRestore({ owner: "a", tokens: prompt(10), keys });
    assert.deepEqual(
      restore.targets.map(({ key }) => key),
      [keys[0], keys[1], undefined],
    );
    assert.ok(rig.hasher.failNext !== undefined);
    restore.cancel();
  });

  it("asks only for what the pool does not have", async () => {
    const rig = new EngineRig();
    (await rig.complete({ tokens: prompt(8), maxTokens: 0 })).blocks.release();
    const restore = rig.engine.beginRestore({ owner: "a", tokens: prompt(15) });
    assert.equal(restore.foundTokens, 8);
    assert.deepEqual(
      restore.targets.map((target) => target.start),
      [8, 12],
    );
    restore.cancel();
    rig.assertEmpty();
  });

  it("ends the cache where filling ended, and what was not verified is never found", async () => {
    const rig = new EngineRig();
    const tokens = prompt(16);
    const restore = rig.engine.beginRestore({ owner: "a", tokens });
    const [first] = restore.targets;
    assert.ok(first);
    rig.runner.fill(first.block, first.start, tokens, 4);
    const blocks = restore.commit(4);
    assert.equal(blocks.table.length, 1);
    const { figures, tokenIds } = await rig.complete({ tokens, maxTokens: 3 });
    assert.equal(figures.reusedTokens, 4);
    assert.deepEqual(tokenIds, rig.expected(tokens, 3));
    blocks.release();
  });

  it("takes no more blocks than there are, the first ones", async () => {
    const rig = new EngineRig({ totalBlocks: 6 });
    const { blocks } = await rig.complete({ tokens: prompt(15, 1), maxTokens: 0 });
    const restore = rig.engine.beginRestore({ owner: "b", tokens: prompt(20) });
    assert.deepEqual(
      restore.targets.map((target) => target.start),
      [0, 4],
    );
    restore.cancel();
    blocks.release();
    rig.assertEmpty();
  });

  it("uses the pool's own block where the same was computed meanwhile", async () => {
    const rig = new EngineRig();
    const restore = rig.engine.beginRestore({ owner: "a", tokens: prompt(8) });
    const { blocks } = await rig.complete({ tokens: prompt(8), maxTokens: 0 });
    fill(rig, restore, prompt(8));
    assert.deepEqual(restore.commit(8).table, blocks.table);
    assert.equal(rig.engine.pool.referencedBlocks, 2);
  });

  it("ends once, and not with tokens that it does not hold", () => {
    const rig = new EngineRig();
    const restore = rig.engine.beginRestore({ owner: "a", tokens: prompt(8) });
    assert.throws(() => restore.commit(9), { code: "INTERNAL" });
    restore.cancel();
    assert.throws(() => restore.cancel(), { code: "INTERNAL" });
    assert.throws(() => restore.commit(8), { code: "INTERNAL" });
    rig.assertEmpty();
  });
});
