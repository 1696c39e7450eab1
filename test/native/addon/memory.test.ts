import assert from "node:assert/strict";
import { residentBytes } from "../../../src/bench/memory";
import { loadAddon } from "../../../src/native/loader";
import { starterModel } from "../../support/models/starterModel";
import { stageRoot } from "../../support/native/nativeRig";

const blockTokens = 64;

describe("Memory that the addon used", function () {
  this.timeout(60_000);

  it("counts in the process's footprint, which is what is resident on Linux", () => {
    const bytes = loadAddon(stageRoot).footprintBytes();
    const resident = process.memoryUsage().rss;
    assert.ok(bytes > 10e6, String(bytes));
    if (process.platform === "linux") assert.ok(Math.abs(bytes - resident) < 10e6, `${bytes}, ${resident}`);
  });

  it("goes back to the system with the pool, and with the model", async () => {
    const addon = loadAddon(stageRoot);
    const bytesNow = () => residentBytes(() => addon.footprintBytes());
    const model = await addon.loadModel({ directory: starterModel, device: "cpu" }, () => {}).result;
    const blocks = Math.ceil(600e6 / (model.info.kvBytesPerToken * blockTokens));
    const tokens = Int32Array.from({ length: 4 * blockTokens }, (_, i) => i + 100);
    const loaded = bytesNow();
    const filled = async () => {
      const pool = await model.createPool(blocks, blockTokens);
      for (const rows of [250, 200, 150, 100]) {
        await pool.logits(tokens.subarray(0, rows), 0, Int32Array.of(0, 1, 2, 3));
      }
      for (let block = 1; block < blocks; block += 1) await pool.copyBlock(0, block, blockTokens);
      return pool;
    };
    const first = await filled();
    const used = bytesNow();
    await first.dispose();
    const dropped = bytesNow();
    // Its slabs come from a C library that has seen some as large come and go.
    await filled();
    await model.dispose();
    const withoutModel = bytesNow();
    const figures = JSON.stringify({ loaded, used, dropped, withoutModel });
    // Compared with the moment after: what other tests used may go back at any time.
    assert.ok(used - dropped > 560e6, figures);
    assert.ok(dropped - loaded < 60e6, figures);
    assert.ok(dropped - withoutModel > 60e6, figures);
  });
});
