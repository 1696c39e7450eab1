import assert from "node:assert/strict";
import type { ModelAccess } from "../../../src/agents/ports";
import { startGeneration } from "../../../src/service/generateTask";
import { AgentRig } from "../../support/agents/agentRig";
import { inFolder } from "../../support/store/fakes";

const tools = [{ name: "look", description: "Looks at a place." }];

describe("an answer to one prompt", () => {
  it("says that a call was dropped where it ended inside the call, though nothing can continue it", () =>
    inFolder(async (home) => {
      const { session, clock } = new AgentRig(home, { callAfter: 2 });
      const models: ModelAccess = {
        current: session,
        loaded: () => session,
        lease: async () => ({ session, release: () => {} }),
        isFree: () => true,
        describe: async () => ({ name: session.name, contextTokens: session.contextTokens }),
        prompts: async () => session.text.prompts,
      };
      const options = { models, clock, modelDirectory: session.directory, settings: { temperature: 0 } };
      const ask = (maxTokens: number) =>
        startGeneration(`g${maxTokens}`, { prompt: "What is there?", tools, sampling: { maxTokens } }, options).done;
      const cut = await ask(3);
      assert.deepEqual([cut.finishReason, cut.calls, cut.dropped?.reason], ["length", undefined, "cut"]);
      const whole = await ask(8);
      assert.deepEqual([whole.finishReason, whole.calls?.length, whole.dropped], ["calls", 1, undefined]);
    }));
});
