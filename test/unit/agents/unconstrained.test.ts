import assert from "node:assert/strict";
import { AgentRig } from "../../support/agents/agentRig";
import { FakeGrammar } from "../../support/engine/fakeGrammar";
import { inFolder } from "../../support/store/fakes";

describe("An answer that is held to schemas", () => {
  const grammars = { look: new FakeGrammar([Array.from({ length: 60 }, (_, id) => id)]) };
  const answerOf = (home: string, unconstrained: readonly { path: string; what: string }[]) => {
    const rig = new AgentRig(home, { grammars, unconstrained, maxAnswerTokens: 3 });
    return rig.create().then(async (id) => {
      const free = await rig.ask(id, "Hello");
      await rig.agents.setTools(id, [{ name: "look", description: "" }]);
      return { free, held: await rig.ask(id, "And?") };
    });
  };

  it("says what of them it was not held to", () =>
    inFolder(async (home) => {
      const list = Array.from({ length: 60 }, (_, i) => ({ path: `/properties/p${i}`, what: "pattern" }));
      const { free, held } = await answerOf(home, list);
      assert.equal(free.unconstrained, undefined);
      assert.deepEqual(held.unconstrained, list.slice(0, 50));
    }));

  it("says nothing where it was held to all of them", () =>
    inFolder(async (home) => assert.equal((await answerOf(home, [])).held.unconstrained, undefined)));
});
