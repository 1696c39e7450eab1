import assert from "node:assert/strict";
import { residentBytes } from "../../../src/bench/memory";
import { loadAddon } from "../../../src/native/loader";
import { starterModel } from "../../support/models/starterModel";
import { stageRoot } from "../../support/native/nativeRig";

const blockTokens = 64;

describe("Memory that the addon used", function () {
  this.timeout(60_000);

  it("goes back to the system with the pool, and with the model", async () => {
    const model = await loadAddon(stageRoot).loadModel({ directory: starterModel, device: "cpu" }, () => {}).result;
    const blocks = Math.ceil(600e6 / (model.info.kvBytesPerToken * blockTokens));
    const tokens = Int32Array.from({ length: 4 * blockTokens }, (_, i) => i + 100);
    const loaded = residentBytes();
    const filled = async () => {
      const pool = await model.createPool(blocks, blockTokens);
      for (const rows of [250, 200, 150, 100]) {
        await pool.logits(tokens.subarray(0, rows), 0, Int32Array.of(0, 1, 2, 3));
      }
      for (let block = 1; block < blocks; block += 1) await pool.copyBlock(0, block, blockTokens);
      return pool;
    };
    const first = await filled();
    const used = residentBytes() - loaded;
    await first.dispose();
    const dropped = residentBytes() - loaded;
    // Its slabs come from a C library that has seen some as large come and go.
    await filled();
    await model.dispose();
    const withoutModel = residentBytes() - loaded;
    const figures = JSON.stringify({ used, dropped, withoutModel });
    assert.ok(used > 560e6, figures);
    assert.ok(dropped < 60e6, figures);
    assert.ok(withoutModel < -60e6, figures);
  });
});
