import assert from "node:assert/strict";
import type { ToolSpec } from "../../../src/common/tools";
import type { AgentDetail } from "../../../src/protocol/service";
import { AgentRig, record } from "../../support/agents/agentRig";
import { FakeLocks, inFolder } from "../../support/store/fakes";

const look: ToolSpec = {
  name: "look",
  description: "Looks at a place.",
  parameters: { type: "object", properties: { at: { type: "integer" } }, required: ["at"] },
};

/** Each answer of its model is four letters, the last two of which are a call. */
async function caller(home: string, locks?: FakeLocks) {
  const rig = new AgentRig(home, { callAfter: 2, ...(locks && { locks }) });
  const id = (await rig.agents.create({ name: "Ada", tools: [look] })).id;
  const asked = await rig.ask(id, "What is there?");
  return { rig, id, asked };
}

const callsOf = ({ turns }: AgentDetail) => turns.at(-1)?.calls?.map(({ id }) => id) ?? [];

describe("a turn with steps", function () {
  this.timeout(20_000);

  it("ends a step with its calls, is idle meanwhile, and goes on with their results", () =>
    inFolder(async (home) => {
      const { rig, id, asked } = await caller(home);
      assert.equal(asked.finishReason, "calls");
      const [call] = asked.calls ?? [];
      assert.equal(call?.name, "look");
      const waiting = await rig.agents.get(id);
      assert.deepEqual([waiting.state, waiting.turnCount, rig.heldLeases], ["idle", 1, 0]);
      assert.deepEqual(waiting.turns[0]?.calls, asked.calls);
      assert.equal(waiting.turns[0]?.answer, asked.text);
      assert.equal(waiting.turns[0]?.answer.length, 2, "nothing of the call is shown");

      const running = await rig.agents.sendResults(id, { results: [{ call: call?.id ?? "", text: "a tree" }] });
      const events = record(running);
      const done = await rig.over(id, running);
      assert.ok(events.some((event) => event.type === "call"));
      const { turns, turnCount } = await rig.agents.get(id);
      assert.deepEqual([turns.length, turnCount], [2, 1]);
      assert.deepEqual([turns[1]?.user, turns[1]?.results], ["", [{ call: call?.id, text: "a tree" }]]);
      assert.equal(rig.lastDialogue?.input[0]?.role, "tool");
      assert.deepEqual(rig.lastDialogue?.tools, [look]);
      // Only the result and what stands around it is read. (The fake engine keeps whole blocks.)
      assert.equal(done.figures.reusedTokens + done.figures.prefilledTokens, rig.lastPrompt.length);
      assert.ok(done.figures.reusedTokens >= asked.figures.promptTokens);
    }));

  it("refuses results that do not fit the calls, with nothing changed", () =>
    inFolder(async (home) => {
      const { rig, id, asked } = await caller(home);
      const call = asked.calls?.[0]?.id ?? "";
      const result = { call, text: "a tree" };
      const before = await rig.agents.get(id);
      for (const [results, reason] of [
        [[{ call: "c77", text: "x" }], /there is no call c77/],
        [[], /has no result/],
        [[result, result], /two results/],
      ] as const) {
        await assert.rejects(rig.agents.sendResults(id, { results }), reason);
        assert.deepEqual(await rig.agents.get(id), before);
      }
      await rig.over(id, await rig.agents.sendResults(id, { results: [result] }));
      await rig.agents.rewind(id, undefined);
      await assert.rejects(rig.agents.sendResults(id, { results: [] }), /waits for no result/);
      await assert.rejects(rig.agents.sendResults(id, { results: [result] }), /there is no call/);
    }));

  it("has a result for each call when the person writes instead", () =>
    inFolder(async (home) => {
      const { rig, id, asked } = await caller(home);
      await rig.ask(id, "Never mind.");
      const { turns, turnCount } = await rig.agents.get(id);
      assert.equal(turnCount, 2);
      assert.deepEqual(turns[1]?.results, [{ call: asked.calls?.[0]?.id, text: "This was not run.", failed: true }]);
      assert.equal(turns[1]?.user, "Never mind.");
    }));

  it("goes on in another process, in a fork and after a rewind into its middle", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const { rig, id } = await caller(home, locks);
      await rig.agents.close();
      const later = new AgentRig(home, { callAfter: 2, locks });
      const [first = ""] = callsOf(await later.agents.get(id));
      const second = await later.over(
        id,
        await later.agents.sendResults(id, { results: [{ call: first, text: "x" }] }),
      );
      const [next = ""] = second.calls?.map((call) => call.id) ?? [];
      assert.notEqual(next, first, "a call has an id of its own within the conversation");

      const fork = await later.agents.fork(id, "Bea", "t1");
      assert.deepEqual([fork.turnCount, callsOf(await later.agents.get(fork.id))], [1, [first]]);
      const forked = await later.agents.sendResults(fork.id, { results: [{ call: first, text: "y" }] });
      const done = await later.over(fork.id, forked);
      assert.equal(done.finishReason, "calls");
      assert.ok(done.figures.reusedTokens > 0);

      await later.agents.rewind(id, "t1");
      await later.over(id, await later.agents.sendResults(id, { results: [{ call: first, text: "z" }] }));
      const { turns, branches } = await later.agents.get(id);
      assert.deepEqual(turns[1]?.results, [{ call: first, text: "z" }]);
      assert.equal(branches.length > 0, true);
      const again = await later.over(id, await later.agents.regenerate(id));
      assert.equal(again.finishReason, "calls");
      assert.deepEqual((await later.lastTurn(id)).results, [{ call: first, text: "z" }]);
    }));

  it("offers no tools once they are gone, and counts turns as a person does", () =>
    inFolder(async (home) => {
      const { rig, id } = await caller(home);
      await rig.agents.setTools(id, []);
      const done = await rig.ask(id, "And now?");
      assert.equal(done.calls, undefined);
      assert.equal(rig.lastDialogue?.tools, undefined);
      assert.equal((await rig.agents.get(id)).tools, undefined);
      const other = await rig.agents.copyWithModel(id, "Bea", "/models/fake");
      assert.equal(other.turnCount, 2);
    }));

  it("keeps the tools of an agent in its log, as its instructions", () =>
    inFolder(async (home) => {
      const { rig, id } = await caller(home);
      await rig.agents.close();
      const { manifest } = await rig.store.read(id);
      assert.deepEqual(JSON.parse(manifest.tools ?? ""), [look]);
      const { agent } = await rig.store.remains(id);
      assert.equal(agent?.tools, manifest.tools);
    }));
});
