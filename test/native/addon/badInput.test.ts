import assert from "node:assert/strict";
import os from "node:os";
import type { NativePool, StepBatch } from "../../../src/native/binding";
import { rejection, temporaryFolder } from "../../support/models/folders";
import { makeBatch, NativeRig, type Part } from "../../support/native/nativeRig";
import { writeRandomModel } from "../../support/native/randomModel";

const good: Part = { tokens: [1, 2, 3], table: [0] };

const badBatches: Readonly<Record<string, readonly Part[]>> = {
  "no sequence": [],
  "an id outside the vocabulary": [{ ...good, tokens: [50] }],
  "a negative id": [{ ...good, tokens: [-5] }],
  "the last sampled id where nothing was sampled": [{ ...good, tokens: [-1] }],
  "no tokens": [{ ...good, tokens: [] }],
  "no blocks": [{ ...good, table: [] }],
  "a block outside the pool": [{ ...good, table: [32] }],
  "a negative block": [{ ...good, table: [-1] }],
  "a table that is too short": [{ ...good, start: 6 }],
  "a negative start": [{ ...good, start: -1 }],
  "a position beyond the context": [{ tokens: [1], start: 256, table: Array.from({ length: 33 }, () => 0) }],
  "one block twice in a table": [{ ...good, start: 6, table: [3, 3] }],
  "two writers of one block": [good, good],
  "a temperature below 0": [{ ...good, sampling: { temperature: -1 } }],
  "a temperature that is no number": [{ ...good, sampling: { temperature: Number.NaN } }],
  "biases without values": [{ ...good, sampling: { biasIds: Int32Array.of(1) } }],
  "a bias outside the vocabulary": [
    { ...good, sampling: { biasIds: Int32Array.of(50), biasValues: Float32Array.of(1) } },
  ],
};

/** Batches that only JavaScript without types could hand over. */
const illTyped: Readonly<Record<string, object>> = {
  "no object": () => {},
  "tokens as a plain array": { tokens: [1, 2, 3] },
  "tokens of another width": { tokens: Int16Array.of(1, 2, 3) },
  "steps as text": { steps: "1" },
  "a fraction of a step": { steps: 0.5 },
  "endless steps": { steps: Number.POSITIVE_INFINITY },
  "sampling of another length": { sampling: [] },
  "sampling without fields": { sampling: [{}] },
};

describe("Bad input to the addon", () => {
  const folder = temporaryFolder();
  let rig: NativeRig;
  beforeEach(async () => {
    rig = await NativeRig.load(await writeRandomModel(folder.path));
  });
  afterEach(async () => {
    const { ids } = await rig.run([good]);
    assert.equal(ids[0]?.length, 1, "the pool goes on");
    await rig.dispose();
  });

  for (const [what, parts] of Object.entries(badBatches)) {
    it(`refuses ${what}`, async () => {
      await rejection(rig.run(parts), "INVALID_REQUEST", /./);
    });
  }

  for (const [what, change] of Object.entries(illTyped)) {
    it(`refuses ${what}`, async () => {
      const pool: { run(batch: object, onTokens: () => void): { result: Promise<unknown> } } = rig.pool;
      const batch = typeof change === "function" ? Object.assign(change, {}) : { ...makeBatch([good]), ...change };
      await rejection((async () => pool.run(batch, () => {}).result)(), "INVALID_REQUEST", /must be/);
    });
  }

  it("refuses arrays that do not add up", async () => {
    const broken: readonly Partial<StepBatch>[] = [
      { tokenCounts: Int32Array.of(2) },
      { tableLengths: Int32Array.of(2) },
      { starts: Int32Array.of(0, 0) },
      { steps: 0 },
      { steps: 7 },
    ];
    for (const change of broken) {
      const task = rig.pool.run({ ...makeBatch([good]), ...change }, () => {});
      await rejection(task.result, "INVALID_REQUEST", /./);
    }
  });

  it("refuses blocks and lengths that are not the pool's", async () => {
    const { pool } = rig;
    const file = { path: `${folder.path}/x`, tokens: 1 };
    const attempts: readonly ((pool: NativePool) => Promise<unknown>)[] = [
      () => pool.copyBlock(0, 32, 1),
      () => pool.copyBlock(-1, 0, 1),
      () => pool.copyBlock(0, 1, 9),
      () => pool.copyBlock(0, 1, 0),
      () => pool.copyBlock(0, 1.5, 1),
      () => pool.writeBlockFile({ ...file, block: 32, metadata: {} }),
      () => pool.writeBlockFile({ ...file, block: 0, tokens: 9, metadata: {} }),
      () => pool.writeBlockFile({ ...file, block: 0, metadata: { checksum: "mine" } }),
      () => pool.writeBlockFile({ ...file, block: 0, path: "a\0b", metadata: {} }),
      () => pool.readBlockFile({ ...file, block: 32, expect: {} }),
      () => pool.logits(Int32Array.of(50), 0, Int32Array.of(0)),
      () => pool.logits(new Int32Array(0), 0, Int32Array.of(0)),
    ];
    for (const attempt of attempts) await rejection(attempt(pool), "INVALID_REQUEST", /./);
  });

  it("refuses a second pool, a pool of no blocks, and one larger than memory with its numbers", async () => {
    await rejection(rig.model.createPool(1, 8), "INVALID_REQUEST", /already/);
    await rig.pool.dispose();
    await rejection(rig.model.createPool(0, 8), "INVALID_REQUEST", /./);
    await rejection(rig.model.createPool(2 ** 60, 8), "INVALID_REQUEST", /./);
    await rejection(rig.model.createPool(2 ** 50, 8), "OUT_OF_MEMORY", /needs \d+ MB/);
    const blockBytes = 8 * rig.model.info.kvBytesPerToken;
    const tooMany = Math.ceil(os.totalmem() / blockBytes) + 1;
    const { facts } = await rejection(rig.model.createPool(tooMany, 8), "OUT_OF_MEMORY", /needs \d+ MB/);
    assert.equal(facts["neededBytes"], tooMany * blockBytes);
    assert.ok(Number(facts["availableBytes"]) > 0);
    rig = Object.assign(rig, { pool: await rig.model.createPool(32, 8) });
  });
});
