import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import path from "node:path";
import { ask } from "../../support/agents/cli";
import { changeWeights } from "../../support/models/changedWeights";
import { temporaryFolder } from "../../support/models/folders";
import { starterModel } from "../../support/models/starterModel";

describe("an agent whose model's weights are changed between two turns", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();

  it("reuses nothing that the old weights made, and says so", async () => {
    const [home, model] = [path.join(folder.path, "home"), path.join(folder.path, "model")];
    await cp(starterModel, model, { recursive: true });
    const say = (prompt: string) => ask(home, prompt, 4, ["--model", model]);
    await say("The harbour has three parts: a long wall, a basin and a quay. Answer in one word: how many parts?");
    const unchanged = await say("And how many walls?");
    assert.equal(unchanged.cache.tier, "warm");
    assert.ok(unchanged.reusedTokens > 0);
    await changeWeights(model);
    const changed = await say("And how many quays?");
    assert.equal(changed.cache.tier, "cold");
    assert.equal(changed.reusedTokens, 0);
    assert.match(changed.cache.refused?.reason ?? "", /it was made with weights/);
    assert.equal(changed.prefilledTokens, changed.promptTokens);
    assert.equal((await say("And how many cranes?")).cache.tier, "warm");
  });
});
