import assert from "node:assert/strict";
import path from "node:path";
import type { BarePoolGeometry, NativeAddon } from "../../../src/native/binding";
import { loadAddon } from "../../../src/native/loader";
import { temporaryFolder } from "../../support/models/folders";
import { makeBatch, NativeRig, stageRoot } from "../../support/native/nativeRig";
import { writeRandomModel } from "../../support/native/randomModel";

const geometry: BarePoolGeometry = {
  layers: 3,
  kvHeads: 2,
  headDim: 8,
  dtype: "f16",
  blocks: 4,
  blockTokens: 16,
};

describe("A bare pool", () => {
  const folder = temporaryFolder();
  let addon: NativeAddon;
  before(() => {
    addon = loadAddon(stageRoot);
  });

  it("has the bytes of its geometry, and its blocks go to files and come back", async () => {
    const pool = await addon.createBarePool(geometry);
    assert.deepEqual([pool.blocks, pool.blockTokens, pool.bytes], [4, 16, 2 * 3 * 4 * 16 * 2 * 8 * 2]);
    const file = path.join(folder.path, "block");
    await pool.writeBlockFile({ block: 1, tokens: 16, path: file, metadata: { case: "a" } });
    const read = (block: number, value: string) =>
      pool.readBlockFile({ block, tokens: 16, path: file, expect: { case: value } });
    assert.equal(await read(2, "a"), undefined);
    assert.equal((await read(2, "b"))?.code, "identity");
    await assert.rejects(read(4, "a"), { code: "INVALID_REQUEST" });
    await pool.dispose();
    await assert.rejects(pool.copyBlock(0, 1, 1), { code: "INVALID_REQUEST" });
  });

  it("that goes while files are read into it is not written any more", async () => {
    const pool = await addon.createBarePool({ ...geometry, blocks: 8, blockTokens: 512, headDim: 64 });
    const file = path.join(folder.path, "large");
    await pool.writeBlockFile({ block: 0, tokens: 512, path: file, metadata: {} });
    const reads = Array.from({ length: 24 }, (_, i) =>
      pool.readBlockFile({ block: i % 8, tokens: 512, path: file, expect: {} }),
    );
    const settled = Promise.allSettled(reads);
    await pool.dispose();
    for (const read of await settled) {
      if (read.status === "fulfilled") assert.equal(read.value, undefined);
      else assert.equal(read.reason.code, "INVALID_REQUEST");
    }
    await assert.rejects(pool.readBlockFile({ block: 0, tokens: 512, path: file, expect: {} }), {
      code: "INVALID_REQUEST",
    });
  });

  it("runs nothing: it has no model", async () => {
    const pool = await addon.createBarePool(geometry);
    const batch = makeBatch([{ tokens: [1], table: [0] }]);
    await assert.rejects(pool.run(batch, () => {}).result, { code: "INVALID_REQUEST", what: /no model/ });
    await assert.rejects(pool.logits(Int32Array.of(1), 0, Int32Array.of(0)), { code: "INVALID_REQUEST" });
    await pool.dispose();
  });

  it("disturbs no run of a model when it is disposed", async () => {
    const rig = await NativeRig.load(await writeRandomModel(path.join(folder.path, "model")));
    const pool = await rig.addon.createBarePool(geometry);
    let disposed: Promise<void> | undefined;
    const { ids } = await rig.run([{ tokens: [1, 2], table: [0, 1, 2, 3] }], 24, () => {
      disposed ??= pool.dispose();
    });
    assert.equal(ids[0]?.length, 24);
    await disposed;
    await rig.dispose();
  });

  it("of sizes that no pool can have is refused, and of more than the memory too", async () => {
    for (const change of [{ blocks: 0 }, { layers: -1 }, { headDim: 0.5 }, { kvHeads: 1 << 30 }]) {
      await assert.rejects(addon.createBarePool({ ...geometry, ...change }), { code: "INVALID_REQUEST" });
    }
    const huge = { ...geometry, blocks: 1 << 30, blockTokens: 1 << 10 };
    await assert.rejects(addon.createBarePool(huge), { code: "OUT_OF_MEMORY" });
  });
});
