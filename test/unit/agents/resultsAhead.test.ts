import assert from "node:assert/strict";
import type { ToolSpec } from "../../../src/common/tools";
import { AgentRig } from "../../support/agents/agentRig";
import { FakeLocks, inFolder } from "../../support/store/fakes";

const look: ToolSpec = {
  name: "look",
  description: "Looks at a place.",
  parameters: { type: "object", properties: {} },
};

/** Its head waits for the result of one call. */
async function caller(home: string, locks?: FakeLocks) {
  const rig = new AgentRig(home, { callAfter: 2, ...(locks && { locks }) });
  const { id } = await rig.agents.create({ name: "Ada", tools: [look] });
  const asked = await rig.ask(id, "What is there?");
  return { rig, id, call: asked.calls?.[0]?.id ?? "" };
}

const tall = "a tree, which is taller than a block of four";
const closing = "\n<assistant>".length;

describe("results that are read ahead", function () {
  this.timeout(20_000);

  it("leave only what stands behind them to be read when they are sent", () =>
    inFolder(async (home) => {
      const { rig, id, call } = await caller(home);
      const results = [{ call, text: tall }];
      const { hotTokens } = await rig.agents.readAheadResults(id, results);
      assert.ok(hotTokens > tall.length);
      const done = await rig.over(id, await rig.agents.sendResults(id, { results }));
      assert.equal(done.figures.prefilledTokens, closing);
      assert.equal(done.figures.reusedTokens, done.figures.promptTokens - closing);
    }));

  it("are replaced by later ones, which keep what agrees; another result is read as it came", () =>
    inFolder(async (home) => {
      const { rig, id, call } = await caller(home);
      const [first, second] = ["a tree with many leaves", "a tree with one bird in it"];
      await Promise.all([first, second].map((text) => rig.agents.readAheadResults(id, [{ call, text }])));
      const common = "a tree with ".length;
      const done = await rig.over(
        id,
        await rig.agents.sendResults(id, { results: [{ call, text: "a tree with two birds" }] }),
      );
      assert.equal(done.figures.prefilledTokens, "two birds".length + closing);
      assert.ok(done.figures.reusedTokens > common);
      const prompt = String.fromCharCode(...rig.lastPrompt);
      assert.ok(prompt.endsWith("<tool>a tree with two birds\n<assistant>"), prompt);
    }));

  it("need not be known: what stands before the first is read behind the answer with the calls", () =>
    inFolder(async (home) => {
      const { rig, id, call } = await caller(home);
      const before = (await rig.agents.get(id)).hotTokens;
      assert.equal((await rig.agents.readAheadResults(id, [])).hotTokens, before);
      const done = await rig.over(id, await rig.agents.sendResults(id, { results: [{ call, text: "a tree" }] }));
      assert.equal(done.figures.prefilledTokens, "a tree".length + closing);
      // A message instead of them is read as it came too.
      const message = await rig.ask(id, "Never mind.");
      assert.ok(message.figures.prefilledTokens <= "This was not run.\n<user>Never mind.".length + closing);
    }));

  it("are not saved with the cache before they are sent", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const { rig, id, call } = await caller(home, locks);
      const results = [{ call, text: tall }];
      await rig.agents.readAheadResults(id, results);
      await rig.agents.close();
      const later = new AgentRig(home, { callAfter: 2, locks });
      const done = await later.over(id, await later.agents.sendResults(id, { results }));
      assert.ok(done.figures.prefilledTokens >= tall.length);
      await later.agents.close();
    }));

  it("are refused without their call, and do nothing while the agent answers or waits for none", () =>
    inFolder(async (home) => {
      const { rig, id, call } = await caller(home);
      const result = { call, text: "a tree" };
      await assert.rejects(rig.agents.readAheadResults(id, [{ call: "c77", text: "x" }]), { code: "INVALID_REQUEST" });
      await assert.rejects(rig.agents.readAheadResults(id, [result, result]), /two results/);
      const running = await rig.agents.sendResults(id, { results: [result] });
      await rig.agents.readAheadResults(id, [result]);
      await rig.over(id, running);
      await rig.agents.rewind(id, undefined);
      await rig.agents.readAheadResults(id, []);
      await assert.rejects(rig.agents.readAheadResults(id, [result]), { code: "INVALID_REQUEST" });
    }));
});
