import assert from "node:assert/strict";
import { AgentRig, record } from "../../support/agents/agentRig";
import { inFolder } from "../../support/store/fakes";

describe("An agent that thinks", () => {
  it("tells its thought before its answer, and keeps both apart, also after a restart", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { thoughtTokens: 3 });
      const id = await rig.create();
      const running = await rig.agents.send(id, { text: "Hello" });
      const events = record(running);
      const done = await rig.over(id, running);
      const types = events.map(({ type }) => type).filter((type) => type === "thinking" || type === "text");
      assert.deepEqual(types, [...types].sort().reverse(), "thoughts come first");
      const told = events.flatMap((event) => (event.type === "thinking" ? [event.text] : [])).join("");
      assert.equal(told.length, 3);
      assert.deepEqual([done.thought, done.text.length], [told, 5]);
      assert.equal(done.figures.thinking?.tokens, 3);
      assert.ok((done.figures.thinking?.ms ?? -1) >= 0);
      const turn = await rig.lastTurn(id);
      assert.deepEqual([turn.thought, turn.answer, turn.figures?.thinking?.tokens], [told, done.text, 3]);
      await rig.agents.close();
      const later = new AgentRig(home, { thoughtTokens: 3 });
      assert.deepEqual(await later.lastTurn(id), turn);
      await later.ask(id, "Go on");
      const { past } = later.lastDialogue ?? {};
      assert.deepEqual([past?.answer.thought, past?.answer.content], [told, done.text]);
      await later.agents.close();
    }));

  it("goes on in its thought where that was cut, and a copy of the turn has it too", () =>
    inFolder(async (home) => {
      const whole = new AgentRig(home, { thoughtTokens: 5 });
      const expected = await whole.ask(await whole.create("Whole"), "Hello", { maxTokens: 8 });
      const id = await whole.create("Cut");
      const cut = await whole.ask(id, "Hello", { maxTokens: 2 });
      assert.deepEqual([cut.text, cut.thought], ["", expected.thought?.slice(0, 2)]);
      const running = await whole.agents.continueAnswer(id, { maxTokens: 6 });
      const events = record(running);
      await whole.over(id, running);
      assert.deepEqual(events[0], { type: "continues", text: "", thought: cut.thought });
      const turn = await whole.lastTurn(id);
      assert.deepEqual([turn.thought, turn.answer], [expected.thought, expected.text]);
      await whole.agents.startOver(id, 1);
      const copy = await whole.lastTurn(id);
      assert.deepEqual([copy.thought, copy.answer], [turn.thought, turn.answer]);
      await whole.agents.close();
    }));

  it("that does not think has no thought anywhere", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const done = await rig.ask(id, "Hello");
      const turn = await rig.lastTurn(id);
      for (const object of [done, turn, done.figures, turn.figures ?? {}]) {
        assert.ok(!("thought" in object) && !("thinking" in object));
      }
      await rig.agents.close();
    }));
});
