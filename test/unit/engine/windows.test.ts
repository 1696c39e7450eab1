import assert from "node:assert/strict";
import type { LeftBlock } from "../../../src/engine/liveTables";
import { noBlock } from "../../../src/engine/ports";
import { EngineRig, prompt } from "../../support/engine/engineRig";

const window = { tokens: 6, totalBlocks: 24 };
const limits = { tokenBudget: 8, prefillChunkTokens: 4, maxSequences: 2, windowSlackTokens: 0 };

const rigWith = (options = {}) => new EngineRig({ window, blockTokens: 4 }, { ...limits, ...options });
const present = (table: readonly number[]) => table.filter((block) => block !== noBlock).length;

describe("Layers with a window", () => {
  it("keep the blocks of the window only, however long the context, and the answer is the same", async () => {
    const rig = rigWith();
    const tokens = prompt(40);
    const { tokenIds, blocks } = await rig.complete({ tokens, maxTokens: 20 });
    assert.deepEqual(tokenIds, rig.expected(tokens, 20));
    assert.equal(present(blocks.table), 15);
    assert.equal(present(blocks.windowTable), 2, "of 59 tokens the last sees positions 53 to 58");
    blocks.release();
    rig.assertEmpty();
  });

  it("go on after a turn, a fork and a rewind to where the window still is without reading a token again", async () => {
    const rig = rigWith({ windowSlackTokens: 8 });
    const { blocks } = await rig.complete({ tokens: prompt(30), maxTokens: 0 });
    const fork = blocks.fork("b");
    fork.rewind(26);
    const longer = await rig.complete({ tokens: prompt(33), maxTokens: 3, blocks });
    assert.equal(longer.figures.reusedTokens, 30);
    const branch = await rig.complete({ tokens: prompt(30, 1, 26), maxTokens: 3, blocks: fork });
    assert.equal(branch.figures.reusedTokens, 26);
    assert.deepEqual(branch.tokenIds, rig.expected(prompt(30, 1, 26), 3));
  });

  it("find blocks that left the window as long as the pool has them: a rewind to the beginning is free", async () => {
    const rig = rigWith();
    const { blocks } = await rig.complete({ tokens: prompt(40), maxTokens: 0 });
    blocks.rewind(16);
    const { figures, tokenIds } = await rig.complete({ tokens: prompt(20, 1, 16), maxTokens: 2, blocks });
    assert.equal(figures.reusedTokens, 16);
    assert.deepEqual(tokenIds, rig.expected(prompt(20, 1, 16), 2));
  });

  it("read the turn again, and say so, where its window is nowhere any more", async () => {
    const rig = new EngineRig({ window: { ...window, totalBlocks: 7 }, blockTokens: 4 }, limits);
    const first = await rig.complete({ tokens: prompt(40), maxTokens: 0 });
    const other = await rig.complete({ tokens: prompt(40, 1), maxTokens: 0 });
    other.blocks.release();
    first.blocks.rewind(16);
    const { figures, tokenIds } = await rig.complete({ tokens: prompt(20, 1, 16), maxTokens: 2, blocks: first.blocks });
    assert.equal(figures.reusedTokens, 0);
    assert.deepEqual(tokenIds, rig.expected(prompt(20, 1, 16), 2));
  });

  it("lose idle caches' windows, the oldest first, before anybody waits", async () => {
    const rig = new EngineRig({ window: { ...window, totalBlocks: 8 }, blockTokens: 4 }, limits);
    const idle = [];
    for (let variant = 0; variant < 4; variant += 1) {
      idle.push((await rig.complete({ tokens: prompt(20, variant), maxTokens: 2 })).blocks);
    }
    assert.deepEqual(
      idle.map((blocks) => present(blocks.windowTable) > 0),
      [false, false, true, true],
    );
  });

  it("are told when a full block leaves, and keep what it holds until the listener is done", async () => {
    const left: number[] = [];
    let done = () => {};
    const kept = new Promise<void>((resolve) => {
      done = resolve;
    });
    const rig = rigWith({
      onWindowLeft: ({ start }: LeftBlock) => {
        left.push(start);
        return kept;
      },
    });
    const { blocks } = await rig.complete({ tokens: prompt(40), maxTokens: 0 });
    blocks.release();
    left.sort((a, b) => a - b);
    assert.deepEqual(left, [0, 4, 8, 12, 16, 20, 24, 28]);
    assert.equal(rig.engine.windowPool?.referencedBlocks, 8);
    done();
    await kept;
    await Promise.resolve();
    rig.assertEmpty();
  });

  it("refuse at once what their blocks can never hold", () => {
    const rig = new EngineRig({ window: { ...window, totalBlocks: 5 }, blockTokens: 4 }, limits);
    assert.throws(() => rig.submit({ tokens: prompt(40) }), { code: "POOL_EXHAUSTED" });
    assert.doesNotThrow(() => rig.submit({ tokens: prompt(8), maxTokens: 2 }));
  });

  it("are restored together with the rest, and not used where they were not", async () => {
    const tokens = prompt(22);
    for (const filled of [true, false]) {
      const rig = rigWith();
      const restore = rig.engine.beginRestore({ owner: "r", tokens });
      for (const target of restore.targets) rig.runner.fill(target.block, target.start, tokens, target.tokens.length);
      const targets = restore.windowTargets ?? [];
      if (filled) {
        assert.deepEqual(
          targets.map(({ start }) => start),
          [16, 20],
        );
        for (const target of targets) rig.runner.fill(target.block, target.start, tokens, target.tokens.length);
      }
      const blocks = restore.commit(22, filled);
      const { figures, tokenIds, blocks: after } = await rig.complete({ tokens: prompt(25), maxTokens: 3, blocks });
      assert.deepEqual(tokenIds, rig.expected(prompt(25), 3));
      assert.equal(figures.reusedTokens, filled ? 22 : 0);
      after.release();
    }
  });
});
