import assert from "node:assert/strict";
import path from "node:path";
import type { ToolSpec } from "../../../src/common/tools";
import { AgentRig } from "../../support/agents/agentRig";
import { withFailingCalls } from "../../support/store/failingCalls";
import { FakeLocks, inFolder } from "../../support/store/fakes";

const look: ToolSpec = {
  name: "look",
  description: "Looks at a place.",
  parameters: { type: "object", properties: {} },
};

/** Most answers in one step since so many runs. */
const widest = ({ runner }: AgentRig, earlier: number) =>
  Math.max(...runner.batches.slice(earlier).map(({ rows }) => rows.filter(({ wantToken }) => wantToken).length));

describe("a delegate", function () {
  this.timeout(20_000);

  it("is a fork that is told as its agent's, in lists, after a restart and without its manifest", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const rig = new AgentRig(home, { locks });
      const id = await rig.create();
      await rig.ask(id, "Hello");
      const delegate = await rig.agents.fork(id, "Helper", undefined, { delegateOf: id });
      assert.deepEqual([delegate.delegateOf, delegate.turnCount], [id, 1]);
      assert.equal((await rig.agents.fork(id, "Bea")).delegateOf, undefined);
      await rig.agents.close();
      const later = new AgentRig(home, { locks });
      const parents = async () => (await later.agents.list()).map(({ name, delegateOf }) => [name, delegateOf]);
      assert.deepEqual(await parents(), [
        ["Ada", undefined],
        ["Helper", id],
        ["Bea", undefined],
      ]);
      assert.equal((await later.store.remains(delegate.id)).agent?.delegateOf, id);
      // A fork of a delegate is an agent of its own.
      assert.equal((await later.agents.fork(delegate.id, "Cem")).delegateOf, undefined);
      await assert.rejects(later.agents.fork(id, "Dan", undefined, { delegateOf: "0123456789abcdef" }), {
        code: "AGENT_NOT_FOUND",
      });
    }));

  it("gets the next free name, also when several begin at once, and no pin", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "Hello");
      await rig.agents.pin(id, true);
      const long = "n".repeat(100);
      const begin = (name: string) => rig.agents.fork(id, name, undefined, { delegateOf: id });
      const delegates = await Promise.all(["Ada", "Ada", "Ada", long, long].map(begin));
      assert.deepEqual(delegates.map(({ name }) => name).sort(), [
        "Ada 2",
        "Ada 3",
        "Ada 4",
        "n".repeat(95),
        `${"n".repeat(95)} 2`,
      ]);
      assert.deepEqual(new Set(delegates.map(({ pinned }) => pinned)), new Set([false]));
      await assert.rejects(rig.agents.fork(id, "Ada"), { code: "INVALID_REQUEST" });
    }));

  it("reads nothing of its agent again, several in one batch", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { maxAnswerTokens: 24 });
      const id = await rig.create("Ada", "Be brief");
      await rig.ask(id, "A question that is longer than some blocks");
      const { tokens } = await rig.agents.get(id);
      const delegates = await Promise.all(
        [1, 2, 3, 4].map(() => rig.agents.fork(id, "Helper", undefined, { delegateOf: id })),
      );
      const earlier = rig.runner.batches.length;
      const answers = await Promise.all(delegates.map((one, i) => rig.agents.send(one.id, { text: `Task ${i}` })));
      for (const { figures } of await Promise.all(answers.map(({ done }) => done))) {
        assert.equal(figures.cache.tier, "hot");
        assert.ok(figures.reusedTokens >= tokens, `${figures.reusedTokens} of ${tokens}`);
      }
      assert.equal(widest(rig, earlier), 4);
      for (const { id: delegate } of delegates) await rig.agents.delete(delegate);
      const next = await rig.ask(id, "And?");
      assert.ok(next.figures.reusedTokens >= tokens);
    }));

  it("begins while its agent waits for results, and goes on without them; the agent goes on with them", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { callAfter: 2 });
      const { id } = await rig.agents.create({ name: "Ada", tools: [look] });
      const asked = await rig.ask(id, "What is there?");
      const delegate = await rig.agents.fork(id, "Helper", undefined, { delegateOf: id });
      assert.equal(delegate.waitsFor, 1);
      const done = await rig.over(delegate.id, await rig.agents.send(delegate.id, { text: "Look there." }));
      assert.ok(done.figures.reusedTokens >= asked.figures.promptTokens);
      const last = await rig.lastTurn(delegate.id);
      assert.deepEqual(
        last.results?.map(({ text }) => text),
        ["This was not run."],
      );
      const results = [{ call: asked.calls?.[0]?.id ?? "", text: done.text }];
      const next = await rig.over(id, await rig.agents.sendResults(id, { results }));
      assert.ok(next.figures.reusedTokens >= asked.figures.promptTokens);
      assert.deepEqual((await rig.lastTurn(id)).results, results);
    }));

  it("is deleted with its agent, also while it answers; one that another process has stays, as an agent like others", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const rig = new AgentRig(home, { locks, maxAnswerTokens: 200 });
      const id = await rig.create();
      await rig.ask(id, "Hello", { maxTokens: 4 });
      const [busy, other] = [
        await rig.agents.fork(id, "Busy", undefined, { delegateOf: id }),
        await rig.agents.fork(id, "Other", undefined, { delegateOf: id }),
      ];
      const below = await rig.agents.fork(busy.id, "Below", undefined, { delegateOf: busy.id });
      await rig.agents.close();
      const elsewhere = new AgentRig(home, { locks });
      await elsewhere.agents.warm(other.id);
      const later = new AgentRig(home, { locks, maxAnswerTokens: 200 });
      later.runner.beforeStep = () => new Promise((resolve) => setTimeout(resolve, 5));
      const running = await later.agents.send(busy.id, { text: "Go on" });
      const deleted: string[] = [];
      later.agents.onEvent((event) => {
        if (event.type === "deleted") deleted.push(event.id);
      });
      await later.agents.delete(id);
      assert.equal((await running.done).finishReason, "aborted");
      assert.deepEqual(deleted, [id, busy.id, below.id]);
      const left = await later.agents.list();
      assert.deepEqual(
        left.map(({ name, delegateOf }) => [name, delegateOf]),
        [["Other", undefined]],
      );
      await elsewhere.agents.close();
      await later.ask(other.id, "Still there?", { maxTokens: 4 });
      await later.agents.close();
    }));

  it("stays, as an agent like others, where it cannot be found when its agent is deleted", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "Hello");
      const delegate = await rig.agents.fork(id, "Helper", undefined, { delegateOf: id });
      const isListing = (call: string, file: string) => call === "readdir" && file === path.join(home, "agents");
      assert.ok((await withFailingCalls("EIO", isListing, () => rig.agents.delete(id))) > 0);
      const left = await rig.agents.list();
      assert.deepEqual(
        left.map((agent) => [agent.id, agent.delegateOf]),
        [[delegate.id, undefined]],
      );
      await rig.ask(delegate.id, "Still there?");
    }));

  it("goes with all others when everything is forgotten", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "Hello");
      await rig.agents.fork(id, "Helper", undefined, { delegateOf: id });
      assert.equal(await rig.agents.deleteAll(), 2);
      assert.deepEqual(await rig.agents.list(), []);
    }));
});

describe("several answers of one message", function () {
  this.timeout(20_000);

  it("are made at once in one batch, by the agent and its forks, each of which reads the message only", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { maxAnswerTokens: 24 });
      const id = await rig.create();
      await rig.ask(id, "One");
      const { tokens } = await rig.agents.get(id);
      const ways = [
        await rig.agents.fork(id, "Way", undefined, { delegateOf: id }),
        await rig.agents.fork(id, "Way", undefined, { delegateOf: id }),
      ];
      const earlier = rig.runner.batches.length;
      const request = { text: "Two", isOneOfSeveral: true };
      const running = await Promise.all([id, ...ways.map((way) => way.id)].map((way) => rig.agents.send(way, request)));
      const done = await Promise.all(running.map((one) => one.done));
      assert.equal(widest(rig, earlier), 3);
      for (const { figures } of done) assert.ok(figures.reusedTokens >= tokens);
    }));

  it("differ although the model is greedy by its own default, unless a person wants the most likely token", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { isUnset: true, modelSampling: { temperature: 0, maxTokens: 16 } });
      const id = await rig.create();
      const sampling = { maxTokens: 16 };
      const plain = await (await rig.agents.send(id, { text: "Two", sampling })).done;
      const answers = new Set<string>();
      for (let i = 0; i < 3; i += 1) {
        await rig.agents.rewind(id, undefined);
        answers.add((await (await rig.agents.send(id, { text: "Two", sampling, isOneOfSeveral: true })).done).text);
      }
      assert.ok(answers.size > 1 || !answers.has(plain.text));
      await rig.agents.rewind(id, undefined);
      const chosen = { ...sampling, temperature: 0 };
      const greedy = await (await rig.agents.send(id, { text: "Two", sampling: chosen, isOneOfSeveral: true })).done;
      assert.equal(greedy.text, plain.text);
    }));
});
