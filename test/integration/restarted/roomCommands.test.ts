import assert from "node:assert/strict";
import { commands } from "../../../src/extension/contributions";
import type { AgentSummary } from "../../../src/protocol/service";
import { chatTabs, closeEditors, run } from "../support";

/** Deletes every agent: it comes last, in the last window. */
describe("the room's commands", () => {
  before(async () => {
    await closeEditors();
    await run(commands.forgetEverything, { force: true });
  });

  it("make the first agent where there is none to add, without leaving the room for its panel", async () => {
    const first = await run<AgentSummary>(commands.addToRoom, { name: "First" });
    assert.equal(first.name, "First");
    assert.deepEqual(chatTabs(), []);
    assert.equal((await run<AgentSummary>(commands.removeFromRoom, { agent: "First" })).id, first.id);
  });

  it("clear it, and say how much was in it", async () => {
    assert.deepEqual(await run(commands.clearRoom, {}), { messages: 0 });
  });
});
