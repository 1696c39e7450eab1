import assert from "node:assert/strict";
import { createFormats } from "../../../src/common/format";
import { modelLabel } from "../../../src/common/modelLabel";
import { agentItem } from "../../../src/extension/agents/agentItem";
import { generationText } from "../../../src/extension/commands/progressText";
import { byModel } from "../../../src/extension/room/roomMembers";
import { ServerKeys } from "../../../src/extension/servers/serverKeys";
import { consentQuestion, moveDetail, serverModelRow, serverRow } from "../../../src/extension/servers/serverTexts";
import { FakeService, figures } from "../../support/extension/fakeService";

const formats = createFormats("en");
const server = {
  address: "http://studio:8000/v1",
  host: "studio:8000",
  models: [{ name: "large", contextTokens: 32_768 }, { name: "small" }],
  isRemote: true,
  hasKey: true,
};

describe("what people read about servers", () => {
  it("asks before text leaves the machine, and says who can read it", () => {
    const plain = consentQuestion(server.address);
    assert.equal(plain.title, "May conversations go to studio:8000?");
    assert.match(plain.detail, /leave this machine.*plain http.*can read them/);
    assert.doesNotMatch(consentQuestion("https://api.example/v1").detail, /plain http/);
  });

  it("names models with their server and context", () => {
    assert.deepEqual(serverModelRow(server, { name: "large", contextTokens: 32_768 }, formats), {
      label: "$(server) large",
      description: "on studio:8000 · context of 32,768 tokens",
    });
    assert.equal(serverModelRow(server, { name: "small" }, formats).description, "on studio:8000");
    assert.deepEqual(serverRow(server, formats), {
      label: "studio:8000",
      description: "2 models · with a key",
      detail: server.address,
    });
  });

  it("states the tokens that a move reads", () => {
    assert.match(moveDetail(3425, "studio:8000", formats), /^3,425 tokens .* sent to studio:8000/);
    assert.match(moveDetail(0, "studio:8000", formats), /^The conversation is empty/);
  });

  it("shows an agent on its server", async () => {
    const service = new FakeService();
    const { id } = await service.createAgent({ name: "Ada" });
    const agent = await service.useServer(id, { address: server.address, model: "large" });
    assert.equal(modelLabel(agent), "large on studio:8000");
    const { description, tooltip } = agentItem(agent, formats);
    assert.match(description, /^0 turns · on studio:8000$/);
    assert.match(tooltip, /Model: large on studio:8000/);
    assert.doesNotMatch(tooltip, /In memory|of 0 tokens/);
  });

  it("counts nothing while a server answers", () => {
    const uncounted = { ...figures, generatedTokens: 0, by: "server", untold: ["generated"] } as const;
    assert.equal(generationText({ type: "text", text: "x", figures: uncounted }, formats), "Answering");
    assert.equal(generationText({ type: "thinking", text: "x", figures: uncounted }, formats), "Thinking");
  });

  it("keeps the agents of a server together in a room", async () => {
    const service = new FakeService();
    const members = [];
    for (const name of ["a", "b", "c"]) {
      const { id } = await service.createAgent({ name });
      const agent =
        name === "b"
          ? await service.findAgent(id)
          : await service.useServer(id, { address: server.address, model: "m" });
      if (agent !== undefined) members.push({ agent, asked: true });
    }
    assert.deepEqual(
      byModel(members, undefined).map(({ agent }) => agent.name),
      ["a", "c", "b"],
    );
  });
});

describe("the keys of servers", () => {
  it("are kept by the system, and handed over to the core", async () => {
    const kept = new Map<string, string>();
    const secrets = {
      get: async (name: string) => kept.get(name),
      store: async (name: string, value: string) => void kept.set(name, value),
      delete: async (name: string) => void kept.delete(name),
      keys: async () => [...kept.keys()],
      onDidChange: () => ({ dispose: () => {} }),
    };
    const keys = new ServerKeys(secrets);
    const service = new FakeService();
    await keys.set(service, "http://a/v1", "one");
    await keys.set(service, "http://b/v1", "two");
    assert.deepEqual(service.serverKeys, { "http://a/v1": "one", "http://b/v1": "two" });
    await keys.set(service, "http://a/v1", undefined);
    const other = new FakeService();
    await new ServerKeys(secrets).handOver(other);
    assert.deepEqual(other.serverKeys, { "http://b/v1": "two" });
    await keys.set(service, "http://b/v1", undefined);
    assert.equal(kept.size, 0);
  });
});
