import assert from "node:assert/strict";
import fc from "fast-check";
import { limitsOf } from "../../../src/engine/engineOptions";
import { rowsFor } from "../../../src/engine/stepPace";
import { EngineRig } from "../../support/engine/engineRig";

const bounds = { least: 64, most: 2048 };

describe("The rows of a step", () => {
  it("are as many as the device computes in the time, in whole tiles, and at most twice or half as many as before", () => {
    assert.equal(rowsFor(1000, 0.12, 512, bounds), 256);
    assert.equal(rowsFor(1000, 0.12, 256, bounds), 128);
    assert.equal(rowsFor(1000, 0.12, 128, bounds), 128);
    assert.equal(rowsFor(250, 2, 256, bounds), 480);
    assert.equal(rowsFor(1000, 9, 1024, bounds), 2048);
    assert.equal(rowsFor(250, 0.01, 64, bounds), 64);
  });

  it("stay as they are while the speed varies by less than a quarter", () => {
    for (const rowsPerMs of [0.77, 0.9, 1, 1.1, 1.24]) assert.equal(rowsFor(1000, rowsPerMs, 1000, bounds), 1000);
    assert.notEqual(rowsFor(1000, 1.3, 1000, bounds), 1000);
  });

  it("settle within the bounds and near the time, from anywhere and at any speed", () => {
    const start = fc.integer({ min: 2, max: 64 }).map((tiles) => tiles * 32);
    fc.assert(
      fc.property(start, fc.double({ min: 0.001, max: 50, noNaN: true }), (first, rowsPerMs) => {
        let rows = first;
        for (let step = 0; step < 8; step += 1) rows = rowsFor(1000, rowsPerMs, rows, bounds);
        assert.equal(rowsFor(1000, rowsPerMs, rows, bounds), rows);
        assert.ok(rows >= bounds.least && rows <= bounds.most);
        const wanted = Math.min(bounds.most, Math.max(bounds.least, 1000 * rowsPerMs));
        assert.ok(Math.abs(rows - wanted) <= Math.max(32, wanted / 3), `${rows} of ${wanted}`);
      }),
    );
  });
});

/** Rows of each step that reads a prompt of 4,000 tokens on a device of that speed, alone or during an answer. */
async function stepsOf(rowsPerMs: number, beside: boolean, measuredRows?: typeof bounds) {
  const geometry = { totalBlocks: 1024, blockTokens: 16, maxContextTokens: 10_000 };
  const options = { tokenBudget: 512, prefillChunkTokens: 256, checked: false };
  const rig = new EngineRig(geometry, { ...options, ...(measuredRows && { measuredRows }) });
  const rowsOf = (index: number) =>
    (rig.runner.batches[index]?.rows ?? []).map(({ tokens }) => tokens.length).reduce((sum, rows) => sum + rows, 0);
  rig.runner.beforeStep = () => rig.clock.advance(rowsOf(rig.runner.batches.length - 1) / rowsPerMs);
  if (beside) {
    rig.submit({ tokens: Int32Array.of(1, 2, 3), maxTokens: 100 });
    await rig.step();
  }
  const before = rig.runner.batches.length;
  const prompt = rig.submit({ owner: "b", tokens: new Int32Array(4000).fill(7), maxTokens: 1 });
  let isOver = false;
  prompt.result.then(() => {
    isOver = true;
  });
  while (!isOver) await rig.engine.step();
  return rig.runner.batches.slice(before).map((_, index) => rowsOf(before + index));
}

describe("Steps that read a prompt", () => {
  it("take about a second alone and a quarter of one during an answer, at the speed that was measured", async () => {
    const alone = await stepsOf(0.12, false, bounds);
    assert.deepEqual(alone.slice(0, 4), [512, 256, 128, 128]);
    assert.deepEqual((await stepsOf(4, false, bounds)).slice(0, 3), [512, 1024, 2048]);
    // The answer has one row in each.
    assert.deepEqual((await stepsOf(0.5, true, bounds)).slice(0, 3), [257, 129, 129]);
    assert.deepEqual((await stepsOf(4, true, bounds)).slice(0, 3), [257, 513, 993]);
  });

  it("are of the same size where nothing is measured", async () => {
    assert.deepEqual(new Set((await stepsOf(0.12, false)).slice(0, -1)), new Set([512]));
    assert.deepEqual(new Set((await stepsOf(0.12, true)).slice(0, -1)), new Set([257]));
  });

  it("always have room for all who answer", () => {
    assert.throws(() => limitsOf({ measuredRows: { least: 16, most: 2048 } }), { code: "INTERNAL" });
  });
});
