import assert from "node:assert/strict";
import { commands } from "../../src/extension/contributions";
import type { StoreCollection, StoreRepair, StoreStats, StoreVerification } from "../../src/protocol/service";
import { ask, newAgent, run } from "./support";

describe("the store", () => {
  it("tells what is saved, verifies it whole, and collects nothing that an agent refers to", async () => {
    const { id } = await newAgent("Saved");
    await ask("Saved", `Remember this: ${"the lighthouse keeper found a letter. ".repeat(12)}`);
    await run(commands.saveAgent, { agent: id });
    const stats = await run<StoreStats>(commands.storeStatistics);
    assert(stats.agents > 0 && stats.referenced.objects > 0 && stats.freeDiskBytes > 0);
    const { problems, checked } = await run<StoreVerification>(commands.verifyStore);
    assert.deepEqual(problems, []);
    assert(checked.objects >= stats.objects);
    const { removed } = await run<StoreCollection>(commands.collectStore);
    assert.equal(removed.objects, 0);
    const repair = await run<StoreRepair>(commands.repairStore);
    assert.deepEqual([repair.removed.objects, repair.agents, repair.failed], [0, [], []]);
  });
});
