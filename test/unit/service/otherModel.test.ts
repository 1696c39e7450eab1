import assert from "node:assert/strict";
import { silentLog } from "../../../src/common/log";
import type { AgentId, ResidentService, TurnFigures } from "../../../src/protocol/service";
import { createLocalService } from "../../../src/service/localService";
import { FakeRuntime } from "../../support/agents/fakeRuntime";
import { rejection } from "../../support/models/folders";
import { optionsFor, otherModel, writeFakeModels } from "../../support/service/serviceOptions";
import { inFolder } from "../../support/store/fakes";

function inService(body: (rig: { readonly folder: string; readonly service: ResidentService }) => Promise<void>) {
  return inFolder(async (folder) => {
    await writeFakeModels(folder);
    const service = createLocalService(optionsFor(folder), new FakeRuntime(), silentLog);
    try {
      await body({ folder, service });
    } finally {
      await service.dispose();
    }
  });
}

async function ask(service: ResidentService, id: AgentId, text: string): Promise<TurnFigures> {
  return (await (await service.send(id, { text })).done).figures;
}

describe("An agent that goes on with another model", () => {
  it("is a copy with the same texts, which are read with its first message: as many tokens as were said", () =>
    inService(async ({ folder, service }) => {
      const { id } = await service.createAgent({ name: "Ada", system: "Be brief" });
      await service.setAgentSampling(id, { temperature: 0, seed: 3 });
      await ask(service, id, "Hello");
      await ask(service, id, "And then?");
      const before = await service.getAgent(id);
      const said = await service.measureWithModel(id, otherModel(folder));
      const copy = await service.copyWithModel(id, "Ada with another", otherModel(folder));
      assert.deepEqual([copy.modelName, copy.turnCount, copy.tokens], ["other", 2, 0]);
      const detail = await service.getAgent(copy.id);
      assert.deepEqual([detail.system, detail.sampling], ["Be brief", { temperature: 0, seed: 3 }]);
      assert.deepEqual(
        detail.turns.map(({ user, answer }) => [user, answer]),
        before.turns.map(({ user, answer }) => [user, answer]),
      );
      await rejection(service.continueAnswer(copy.id), "INVALID_REQUEST", /nothing to continue/);
      const message = "Go on";
      const { reusedTokens, prefilledTokens } = await ask(service, copy.id, message);
      // Each letter is a token of the test's tokenizer.
      assert.deepEqual([reusedTokens, prefilledTokens], [0, said.tokens + message.length]);
    }));

  it("leaves the agent as it was, with its cache", () =>
    inService(async ({ folder, service }) => {
      const { id } = await service.createAgent({ name: "Ada" });
      const first = await ask(service, id, "Hello");
      await service.copyWithModel(id, "Copy", otherModel(folder));
      const { reusedTokens, cache } = await ask(service, id, "Go on");
      assert.ok(reusedTokens >= first.promptTokens, `${reusedTokens} of ${first.promptTokens} tokens were reused`);
      assert.equal(cache.tier, "hot");
    }));

  it("needs a model that exists and a name that is free, and makes nothing otherwise", () =>
    inService(async ({ folder, service }) => {
      const { id } = await service.createAgent({ name: "Ada" });
      await rejection(service.copyWithModel(id, "Copy", "/nowhere"), "MODEL_NOT_FOUND", /no folder/);
      await rejection(service.copyWithModel(id, "Ada", otherModel(folder)), "INVALID_REQUEST", /Ada/);
      assert.equal((await service.listAgents()).length, 1);
    }));
});
