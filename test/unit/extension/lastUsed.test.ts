import assert from "node:assert/strict";
import { lastUsed } from "../../../src/extension/agents/lastUsed";
import { FakeService } from "../../support/extension/fakeService";

describe("the agent that was used last", () => {
  it("is none, the only one, or the latest, wherever it stands in the list", async () => {
    const service = new FakeService();
    assert.equal(lastUsed([]), undefined);
    const ada = { ...(await service.createAgent({ name: "Ada" })), lastUsedAt: 30 };
    const bob = { ...(await service.createAgent({ name: "Bob" })), lastUsedAt: 20 };
    assert.equal(lastUsed([bob])?.name, "Bob");
    assert.equal(lastUsed([ada, bob])?.name, "Ada");
    assert.equal(lastUsed([bob, ada])?.name, "Ada");
  });
});
