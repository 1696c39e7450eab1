import assert from "node:assert/strict";
import { commands } from "../../../src/extension/contributions";
import type { AgentSummary, StoreForgotten, StoreStats } from "../../../src/protocol/service";
import { ask, chatTabs, closeEditors, run, until } from "../support";

describe("after a restart", () => {
  after(closeEditors);

  it("an agent goes on from disk without reading its past again", async () => {
    const { figures } = await ask("Keeper", "Where do I live?");
    const { reusedTokens, prefilledTokens, cache } = figures;
    assert(reusedTokens > prefilledTokens, `${reusedTokens} reused, ${prefilledTokens} prefilled`);
    // "hot" where a panel had read it ahead before the message came.
    assert.notEqual(cache.tier, "cold");
    assert.equal(cache.refused, undefined);
  });

  it("its panel opens with its conversation", async () => {
    const { turnCount, tokens } = await run<AgentSummary>(commands.openAgent, { agent: "Keeper" });
    assert.equal(turnCount, 2);
    assert(tokens > 0);
    await until("the panel is open", () => chatTabs().includes("Keeper"));
  });

  it("everything can be forgotten", async () => {
    const before = await run<StoreStats>(commands.storeStatistics);
    assert(before.agents > 0 && before.objects > 0);
    const { agents } = await run<StoreForgotten>(commands.forgetEverything, { force: true });
    assert.equal(agents, before.agents);
    const after = await run<StoreStats>(commands.storeStatistics);
    assert.deepEqual([after.agents, after.objects], [0, 0]);
    await until("the panel is closed", () => !chatTabs().includes("Keeper"));
  });
});
