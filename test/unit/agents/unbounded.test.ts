import assert from "node:assert/strict";
import { AgentRig } from "../../support/agents/agentRig";
import { inFolder } from "../../support/store/fakes";

describe("An answer whose length nobody bounds", function () {
  this.timeout(20_000);

  it("does not keep another agent from being restored ahead: only what it will soon need is left to it", () =>
    inFolder(async (home) => {
      const before = new AgentRig(home);
      const id = await before.create("saved");
      await before.ask(id, "Tell me of the harbour and of all the ships that lie in it this morning");
      await before.agents.close();

      const rig = new AgentRig(home, { totalBlocks: 256, contextTokens: 100_000, maxAnswerTokens: 100_000 });
      rig.runner.beforeStep = () => new Promise((resolve) => setTimeout(resolve, 2));
      const running = await rig.agents.send(await rig.create("other", "another one"), { text: "Hello" });
      let over = false;
      running.done.then(
        () => {
          over = true;
        },
        () => {},
      );
      await new Promise<void>((resolve) => {
        running.onEvent(({ type }) => {
          if (type === "text") resolve();
        });
      });
      let restored = 0;
      for (let looks = 0; restored === 0 && !over && looks < 3_000; looks += 1) {
        await rig.agents.warm(id);
        restored = (await rig.agents.get(id)).hotTokens;
      }
      assert.ok(restored > 0 && !over, `${restored} tokens are in memory`);
      assert.ok(rig.files.reads > 0, "they came from disk");
      running.abort();
      await running.done;
      await rig.agents.close();
    }));
});
