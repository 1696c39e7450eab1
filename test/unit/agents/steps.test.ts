import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import path from "node:path";
import { Conversation } from "../../../src/agents/conversation";
import { textsUpTo } from "../../../src/agents/otherModel";
import { readTree } from "../../../src/agents/readTree";
import { detailOf, type LiveState } from "../../../src/agents/summaries";
import type { TurnRecord } from "../../../src/agents/turnRecords";
import { noFigures, TurnTree } from "../../../src/agents/turnTree";
import { ResidentError } from "../../../src/common/errors";
import type { ToolSpec } from "../../../src/common/tools";
import type { AgentDetail } from "../../../src/protocol/service";
import { AgentRig, record } from "../../support/agents/agentRig";
import { killedHomes } from "../../support/agents/killedHomes";
import { FakeLocks, inFolder } from "../../support/store/fakes";

const look: ToolSpec = {
  name: "look",
  description: "Looks at a place.",
  parameters: { type: "object", properties: { at: { type: "integer" } }, required: ["at"] },
};

const idle: LiveState = { state: "idle", hotTokens: 0, lockedElsewhere: false };

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

  it("is told in lists as waiting, also of an agent on disk, until its results or a message come", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const { rig, id, asked } = await caller(home, locks);
      const waits = async (of: AgentRig) => (await of.agents.list()).map(({ waitsFor }) => waitsFor);
      assert.deepEqual(await waits(rig), [1]);
      assert.equal((await rig.agents.fork(id, "Bea")).waitsFor, 1);
      assert.equal((await rig.agents.copyWithModel(id, "Cem", "/models/fake")).waitsFor, 1);
      assert.equal((await rig.agents.rewind(id, undefined)).waitsFor, undefined);
      assert.equal((await rig.agents.rewind(id, "t1")).waitsFor, 1);
      await rig.agents.close();
      const later = new AgentRig(home, { locks });
      assert.deepEqual(await waits(later), [1, 1, 1]);
      const results = [{ call: asked.calls?.[0]?.id ?? "", text: "a tree" }];
      await later.over(id, await later.agents.sendResults(id, { results }));
      assert.deepEqual(await waits(later), [undefined, 1, 1]);
      await assert.rejects(later.agents.sendResults(id, { results }), /there is no call/);
      assert.equal((await later.agents.startOver(id, 1)).waitsFor, undefined);
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

  it("starts over with whole turns: a result never comes without its call", () =>
    inFolder(async (home) => {
      const { rig, id, asked } = await caller(home);
      const give = async (text: string) => {
        const [call = ""] = callsOf(await rig.agents.get(id));
        return rig.over(id, await rig.agents.sendResults(id, { results: [{ call, text }] }));
      };
      await give("a tree");
      await give("a bird");
      await rig.ask(id, "Never mind.");
      await give("a stone");
      await assert.rejects(rig.agents.startOver(id, 3), /3 turns cannot be kept of 2/);
      const kept = await rig.agents.startOver(id, 1);
      assert.equal(kept.turnCount, 1);
      const { turns } = await rig.agents.get(id);
      assert.deepEqual(
        turns.map(({ user, results }) => [user, results?.[0]?.text]),
        [
          ["Never mind.", undefined],
          ["", "a stone"],
        ],
      );
      await rig.agents.rewind(id, "t5");
      assert.equal((await rig.agents.startOver(id, 2)).turnCount, 2);
      const all = await rig.agents.get(id);
      assert.deepEqual(
        all.turns.map(({ user, results = [] }) => [user, results.map(({ text }) => text)]),
        [
          ["What is there?", []],
          ["", ["a tree"]],
          ["", ["a bird"]],
          ["Never mind.", ["This was not run."]],
          ["", ["a stone"]],
        ],
      );
      assert.deepEqual(all.turns[0]?.calls, asked.calls);
    }));

  it("keeps the results of a step that failed: the next message brings them", () =>
    inFolder(async (home) => {
      const { rig, id, asked } = await caller(home);
      const call = asked.calls?.[0]?.id ?? "";
      rig.runner.beforeStep = async () => {
        throw new ResidentError("NATIVE_FAILURE", "the device failed", "try again");
      };
      const running = await rig.agents.sendResults(id, { results: [{ call, text: "a tree" }] });
      await assert.rejects(running.done);
      await rig.agents.save(id);
      assert.equal((await rig.lastTurn(id)).state, "failed");
      rig.runner.beforeStep = () => rig.disk.settled();
      await rig.ask(id, "And?");
      assert.deepEqual(
        rig.lastDialogue?.input.map(({ role, content }) => [role, content]),
        [
          ["tool", "a tree"],
          ["user", "And?"],
        ],
      );
      const { turns } = await rig.agents.get(id);
      assert.deepEqual(turns.at(-1)?.results, [{ call, text: "a tree" }]);
    }));

  it("gives a call that an answer made before it was cut a result, when the person writes", () =>
    inFolder(async (home) => {
      const { rig, id } = await caller(home);
      const { entries, manifest } = await rig.store.read(id);
      await rig.agents.close();
      const tree = (await readTree(entries)).tree;
      const cut: TurnRecord = { type: "end", turn: "t1", state: "done", finishReason: "aborted", figures: noFigures };
      tree.apply(cut);
      const conversation = new Conversation(tree);
      const input = conversation.draftInput(manifest.head, { text: "Go on." });
      assert.deepEqual(
        input.map(({ role, content }) => [role, content]),
        [
          ["tool", "This was not run."],
          ["user", "Go on."],
        ],
      );
    }));

  it("copies results of a step without an answer to another model with the message that follows", () => {
    const tree = new TurnTree();
    const call = { id: "c1", name: "look", arguments: {} };
    const result = { role: "tool", content: "a tree", call: "c1", name: "look" } as const;
    const ids = Int32Array.of(1);
    const records: readonly TurnRecord[] = [
      { type: "turn", turn: "t1", input: [{ role: "user", content: "What?" }], at: 1 },
      { type: "answer", turn: "t1", text: "", calls: [call], ids },
      { type: "end", turn: "t1", state: "done", finishReason: "calls", figures: noFigures },
      { type: "turn", turn: "t2", parent: "t1", input: [result], at: 2 },
      { type: "end", turn: "t2", state: "done", finishReason: "aborted", figures: noFigures },
      { type: "turn", turn: "t3", parent: "t2", input: [{ role: "user", content: "And?" }], at: 3 },
      { type: "answer", turn: "t3", text: "A tree.", ids },
      { type: "end", turn: "t3", state: "done", finishReason: "stop", figures: noFigures },
    ];
    for (const record of records) tree.apply(record);
    const copied = textsUpTo(tree, "t3").filter((record) => record.type === "turn");
    assert.deepEqual(
      copied.map(({ input }) => input.map(({ role }) => role)),
      [["user"], ["tool", "user"]],
    );
  });

  it("has its long results as beginnings in the newest turns, and each as a whole on demand", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const { rig, id, asked } = await caller(home, locks);
      const call = asked.calls?.[0]?.id ?? "";
      const text = "x".repeat(5000);
      // It does not fit the context of the fake model: the head goes back, and the step stays in the log.
      const running = await rig.agents.sendResults(id, { results: [{ call, text }] });
      await assert.rejects(running.done, { code: "CONTEXT_FULL" });
      assert.equal((await rig.agents.get(id)).waitsFor, 1);
      assert.deepEqual(await rig.agents.callResult(id, "t2", call), { call, text });
      await assert.rejects(rig.agents.callResult(id, "t2", "c9"), { code: "INVALID_REQUEST" });
      await assert.rejects(rig.agents.callResult(id, "t9", call), { code: "INVALID_REQUEST" });
      await rig.agents.close();
      const later = new AgentRig(home, { locks });
      assert.deepEqual(await later.agents.callResult(id, "t2", call), { call, text });
      const { manifest, entries } = await later.store.read(id);
      const { tree } = await readTree(entries);
      const resultsOf = (newestTurns?: number) =>
        detailOf({ ...manifest, head: "t2" }, tree, idle, newestTurns).turns.at(-1)?.results;
      assert.deepEqual(resultsOf(), [{ call, text }]);
      assert.deepEqual(resultsOf(1), [{ call, text: "x".repeat(4000), length: 5000 }]);
    }));

  it("is told in the tree of branches by its turns, its further steps and the tools that were called", () =>
    inFolder(async (home) => {
      const { rig, id, asked } = await caller(home);
      const call = asked.calls?.[0]?.id ?? "";
      await rig.over(id, await rig.agents.sendResults(id, { results: [{ call, text: "a tree" }] }));
      await rig.agents.rewind(id, "t1");
      await rig.over(id, await rig.agents.sendResults(id, { results: [{ call, text: "a bird" }] }));
      const { branches } = await rig.agents.get(id);
      assert.deepEqual(
        branches.map(({ turn, after, user, turns, steps, called }) => ({ turn, after, user, turns, steps, called })),
        [
          { turn: "t1", after: undefined, user: "What is there?", turns: 1, steps: undefined, called: ["look"] },
          { turn: "t2", after: "t1", user: "", turns: 0, steps: 1, called: ["look"] },
          { turn: "t3", after: "t1", user: "", turns: 0, steps: 1, called: ["look"] },
        ],
      );
    }));

  it("tells the model of built-in tools first, whatever order and others they are given with", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, {});
      const { id } = await rig.agents.create({ name: "Ada" });
      const given = ["zoom", "search", "about", "edit_file"].map((name) => ({ name, description: "" }));
      for (const tools of [given, [...given].reverse()]) {
        const agent = await rig.agents.setTools(id, tools);
        assert.deepEqual(
          agent.tools?.map(({ name }) => name),
          ["edit_file", "search", "about", "zoom"],
        );
      }
    }));

  it("loses nothing when its process is killed between any two of its writes, and goes on from there", () =>
    inFolder(async (home) => {
      const live = path.join(home, "live");
      const rig = new AgentRig(live, { callAfter: 2 });
      const { id } = await rig.agents.create({ name: "Ada", tools: [look] });
      const snapshots = killedHomes(rig, home, live);
      await rig.ask(id, "What is there?");
      for (const text of ["a tree", "a bird"]) {
        const [call = ""] = callsOf(await rig.agents.get(id));
        await rig.over(id, await rig.agents.sendResults(id, { results: [{ call, text }] }));
      }
      await rig.ask(id, "Never mind.");
      await rig.agents.close();
      const whole = (await rig.agents.get(id)).turns;
      assert.ok(snapshots.length > 12, `${snapshots.length} writes`);
      const ends = new Set<string>();
      for (const snapshot of snapshots) {
        const next = new AgentRig(snapshot, { callAfter: 2, locks: new FakeLocks() });
        const { turns, damage } = await next.agents.get(id);
        assert.equal(damage, undefined);
        turns.forEach((turn, index) => {
          const last = whole[index];
          assert.ok(last);
          const { id: turnId, user, results } = last;
          assert.deepEqual([turn.id, turn.user, turn.results], [turnId, user, results]);
          if (index < turns.length - 1 || turn.state === "done") assert.deepEqual(turn, last);
          else assert.ok(last.answer.startsWith(turn.answer));
        });
        const end = turns.at(-1);
        ends.add(`${end?.id} ${end?.state}`);
        if (end?.finishReason === "calls") {
          const results = (end.calls ?? []).map((call) => ({ call: call.id, text: "again" }));
          const done = await next.over(id, await next.agents.sendResults(id, { results }));
          assert.equal(done.finishReason, "calls");
        } else {
          await next.ask(id, "Go on.");
        }
        await next.agents.close();
        await rm(snapshot, { recursive: true, force: true, maxRetries: 10 });
      }
      for (const turn of ["t1", "t2", "t3", "t4"]) {
        assert.ok(ends.has(`${turn} interrupted`), `none was killed while ${turn} ran`);
        assert.ok(turn === "t4" || ends.has(`${turn} done`), `none was killed behind ${turn}`);
      }
    }));
});
