import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import path from "node:path";
import type { AgentDetail, GenerationEvent } from "../../../src/protocol/service";
import { AgentRig, lettersOf, record } from "../../support/agents/agentRig";
import { gate, passTime } from "../../support/agents/gate";
import { FakeLocks, inFolder } from "../../support/store/fakes";

function textOf(events: readonly GenerationEvent[]): string {
  return events.map((event) => (event.type === "text" ? event.text : "")).join("");
}

/** Ends of branches that the head is not on, without what the clock and the model say. */
function othersOf({ branches }: AgentDetail) {
  const others = branches.filter(({ current, isEnd }) => isEnd && !current);
  return others.map(({ turn, after, user, turns }) => ({ turn, after, user, turns }));
}

describe("turns", function () {
  this.timeout(20_000);

  it("tell their story in order, and again to late listeners", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const running = await rig.agents.send(id, { text: "Hello" });
      const live = record(running);
      const done = await running.done;
      const types = live.map((event) => event.type).filter((type, index, all) => type !== all[index - 1]);
      assert.deepEqual(types, ["prefill", "text", "done"]);
      const late = record(running);
      assert.deepEqual(
        late.map((event) => event.type),
        types,
      );
      const text = late.find((event) => event.type === "text");
      assert.equal(text?.text, done.text);
      assert.equal(done.figures.promptTokens, done.figures.reusedTokens + done.figures.prefilledTokens);
      assert.equal(done.figures.generatedTokens, done.tokenIds.length);
    }));

  it("are read during the commit of the message, which is on disk before send resolves and a text is shown", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { maxAnswerTokens: 12 });
      const id = await rig.create();
      const disk = gate();
      rig.disk.beforeWrite = () => disk.passed;
      let steps = 0;
      rig.runner.beforeStep = () => {
        steps += 1;
      };
      let sent = false;
      const sending = rig.agents.send(id, { text: "Hello" }).then((running) => {
        sent = true;
        return running;
      });
      while (rig.agents.running(id) === undefined) await passTime();
      const events = record(rig.agents.running(id) ?? assert.fail("nothing runs"));
      while (steps < 12) await passTime();
      assert.equal(sent, false);
      assert.deepEqual(events, []);
      assert.equal((await rig.store.read(id)).entries.length, 0);
      assert.equal((await rig.agents.get(id)).turns[0]?.state, "running");
      disk.open();
      const running = await sending;
      const { entries } = await rig.store.read(id);
      assert.deepEqual([entries[0]?.body["type"], entries[0]?.body["user"]], ["turn", "Hello"]);
      const done = await rig.over(id, running);
      assert.equal(done.finishReason, "length");
      assert.equal(textOf(events), done.text);
      await rig.agents.close();
      assert.equal((await new AgentRig(home).lastTurn(id)).answer, done.text);
    }));

  it("end with the error of a commit that fails, and nothing of the answer was shown", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { maxAnswerTokens: 60 });
      const id = await rig.create();
      await rig.ask(id, "One");
      const disk = gate();
      rig.disk.beforeWrite = () => disk.passed;
      let steps = 0;
      rig.runner.beforeStep = () => {
        steps += 1;
      };
      const sending = rig.agents.send(id, { text: "Two" });
      sending.catch(() => {});
      while (steps < 3) await passTime();
      const running = rig.agents.running(id) ?? assert.fail("nothing runs");
      const events = record(running);
      rig.disk.full = true;
      disk.open();
      await assert.rejects(sending, { code: "DISK_FULL" });
      await assert.rejects(running.done, { code: "DISK_FULL" });
      assert.deepEqual(
        events.map(({ type }) => type),
        ["failed"],
      );
      const { turns, state } = await rig.agents.get(id);
      assert.deepEqual([turns.map(({ user }) => user), state], [["One"], "idle"]);
      assert.equal(rig.heldLeases, 0);
      rig.disk.full = false;
      await rig.ask(id, "Three");
      await rig.agents.close();
      rig.session.engine.assertInvariants();
      const next = await new AgentRig(home).agents.get(id);
      assert.deepEqual(
        next.turns.map(({ user }) => user),
        ["One", "Three"],
      );
    }));

  it("wait for the disk by themselves only every two seconds of an answer", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { maxAnswerTokens: 200 });
      const id = await rig.create();
      const running = await rig.agents.send(id, { text: "Hello" });
      let writes = 0;
      rig.disk.beforeWrite = async () => {
        writes += 1;
      };
      await running.done;
      assert.ok(writes <= 3, `${writes} writes at the answer's end`);
      await rig.agents.save(id);
      rig.runner.beforeStep = async () => {
        rig.clock.advance(30);
        await rig.disk.settled();
      };
      const slow = await rig.agents.send(id, { text: "Slowly" });
      writes = 0;
      await slow.done;
      // Six seconds: two commits in its middle and one at its end, of three writes each.
      assert.ok(writes > 6 && writes <= 12, `${writes} writes`);
    }));

  it("refuse a blank message, a second one at a time, and unknown turns", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await assert.rejects(rig.agents.send(id, { text: " \n" }), { code: "INVALID_REQUEST" });
      await assert.rejects(rig.agents.regenerate(id), { code: "INVALID_REQUEST" });
      await assert.rejects(rig.agents.rewind(id, "t9"), { code: "INVALID_REQUEST" });
      const running = await rig.agents.send(id, { text: "Hello" });
      await assert.rejects(rig.agents.send(id, { text: "Again" }), { code: "AGENT_BUSY" });
      await assert.rejects(rig.agents.rewind(id, undefined), { code: "AGENT_BUSY" });
      await running.done;
      assert.equal((await rig.agents.get(id)).turns.length, 1);
    }));

  it("let only one of two messages sent at once in", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      const sent = await Promise.allSettled(["One", "Two"].map((text) => rig.agents.send(id, { text })));
      assert.deepEqual(sent.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    }));

  it("that wait for blocks wait for no read ahead that waits itself", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { totalBlocks: 48, maxAnswerTokens: 60 });
      const { engine } = rig.session;
      const [reader, other, third] = [await rig.create("Ada"), await rig.create("Bob"), await rig.create("Cy")];
      await rig.ask(reader, "x".repeat(40), { maxTokens: 2 });
      const running = await rig.agents.send(other, { text: "One" });
      await lettersOf(running, 1);
      const warming = rig.agents.warm(reader, "y".repeat(110));
      while (engine.numWaiting === 0) await new Promise(setImmediate);
      const asked = await rig.agents.send(third, { text: "z".repeat(130), sampling: { maxTokens: 20 } });
      assert.equal((await running.done).tokenIds.length, 60);
      assert.equal((await asked.done).tokenIds.length, 20);
      assert.ok((await warming).hotTokens > 110);
    }));

  it("of many agents all end in a pool for two, while what follows their answers is read", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { totalBlocks: 44 });
      const ids: string[] = [];
      for (let i = 0; i < 12; i += 1) ids.push(await rig.create(`Agent ${i}`));
      const talk = async (id: string, index: number) => {
        for (let turn = 0; turn < 5; turn += 1) {
          for (let i = 0; i < (index * 7 + turn * 5) % 11; i += 1) await new Promise(setImmediate);
          const { finishReason } = await (await rig.agents.send(id, { text: `Say ${turn}` })).done;
          assert.ok(finishReason === "length" || finishReason === "stop");
        }
      };
      await Promise.all(ids.map(talk));
      await rig.agents.close();
      assert.equal(rig.session.engine.pool.referencedBlocks, 0);
    }));

  it("keep what was said when they are stopped", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { maxAnswerTokens: 200 });
      const id = await rig.create();
      const running = await rig.agents.send(id, { text: "Hello" });
      await lettersOf(running, 5);
      running.abort();
      const done = await rig.over(id, running);
      assert.equal(done.finishReason, "aborted");
      assert.ok(done.text.length >= 5 && done.text.length < 200);
      assert.equal((await rig.lastTurn(id)).answer, done.text);
      const next = await rig.ask(id, "Go on");
      assert.equal(next.figures.cache.tier, "hot");
    }));

  it("end at a stop string and show nothing of it", () =>
    inFolder(async (home) => {
      const free = new AgentRig(path.join(home, "free"));
      const { text } = await free.ask(await free.create(), "Hello");
      const rig = new AgentRig(home);
      const id = await rig.create();
      const stop = text.slice(3, 5);
      const done = await rig.ask(id, "Hello", { stop: [stop] });
      assert.equal(done.finishReason, "stop");
      assert.equal(done.text, text.slice(0, text.indexOf(stop)));
      assert.equal((await rig.lastTurn(id)).answer, done.text);
      assert.equal((await rig.ask(id, "And?")).figures.cache.tier, "hot");
    }));

  it("fall to a pool that is too small with the numbers, the message kept", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { totalBlocks: 4 });
      const id = await rig.create();
      const running = await rig.agents.send(id, { text: "A message that is longer than four blocks" });
      await assert.rejects(running.done, { code: "POOL_EXHAUSTED" });
      const turn = await rig.lastTurn(id);
      assert.equal(turn.state, "failed");
      assert.equal(turn.error?.facts["total"], 4);
      assert.equal(turn.user, "A message that is longer than four blocks");
      rig.session.engine.assertInvariants();
    }));

  it("count what was waited for: the model's load where it was not there, and all up to the first token", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      rig.isLoaded = false;
      let load = () => {};
      rig.loading = new Promise((resolve) => {
        load = resolve;
      });
      rig.runner.beforeStep = () => rig.clock.advance(50);
      const running = await rig.agents.send(id, { text: "Hello", sampling: { maxTokens: 1 } });
      rig.clock.advance(1800);
      load();
      const { figures } = await rig.over(id, running);
      assert.deepEqual([figures.modelMs, figures.waitMs], [1800, 1800 + figures.ttftMs]);
      assert.ok(figures.ttftMs >= 50);
      rig.isLoaded = true;
      const next = await rig.ask(id, "And?", { maxTokens: 1 });
      assert.deepEqual([next.figures.modelMs, next.figures.waitMs], [undefined, next.figures.ttftMs]);
      assert.deepEqual((await rig.lastTurn(id)).figures, next.figures);
    }));

  it("fail with the device and leave the agent usable", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "Hello");
      rig.runner.failNext = { in: "run", error: new Error("the device is gone") };
      const running = await rig.agents.send(id, { text: "And?" });
      await assert.rejects(running.done, /the device is gone/);
      rig.runner.spoil();
      const done = await rig.ask(id, "Again?");
      assert.equal(done.figures.cache.tier, "warm");
      assert.equal((await rig.lastTurn(id)).state, "done");
    }));
});

describe("branches", function () {
  this.timeout(20_000);

  it("rewind moves the head back; the branch that was left can be the head again", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      for (const text of ["One", "Two", "Three"]) await rig.ask(id, text);
      const rewound = await rig.agents.rewind(id, "t1");
      assert.equal(rewound.turnCount, 1);
      const detail = await rig.agents.get(id);
      assert.deepEqual(othersOf(detail), [{ turn: "t3", after: "t1", user: "Two", turns: 2 }]);
      const done = await rig.ask(id, "Other");
      assert.equal(done.figures.cache.tier, "hot");
      await rig.agents.rewind(id, "t3");
      const again = await rig.agents.get(id);
      assert.deepEqual(
        again.turns.map((turn) => turn.user),
        ["One", "Two", "Three"],
      );
      assert.deepEqual(othersOf(again), [{ turn: "t4", after: "t1", user: "Other", turns: 1 }]);
    }));

  it("rewind to before the first turn starts over", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "One");
      const summary = await rig.agents.rewind(id, undefined);
      assert.deepEqual([summary.turnCount, summary.tokens, summary.hotTokens], [0, 0, 0]);
      assert.equal((await rig.ask(id, "Two")).finishReason, "length");
      assert.equal((await rig.agents.get(id)).turns.length, 1);
    }));

  it("start over with the last turns: they are read anew, what was left is reachable, in another process too", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      for (const text of ["One", "Two", "Three"]) await rig.ask(id, text);
      const before = (await rig.agents.get(id)).turns;
      const summary = await rig.agents.startOver(id, 2);
      assert.deepEqual([summary.turnCount, summary.tokens, summary.hotTokens], [2, 0, 0]);
      const detail = await rig.agents.get(id);
      assert.deepEqual(
        detail.turns.map(({ id: turn, user, answer }) => [turn, user, answer]),
        [
          ["t4", "Two", before[1]?.answer],
          ["t5", "Three", before[2]?.answer],
        ],
      );
      assert.deepEqual(othersOf(detail), [{ turn: "t3", after: undefined, user: "One", turns: 3 }]);
      await rig.agents.close();
      const other = new AgentRig(home);
      const done = await other.ask(id, "Four");
      const alone = new AgentRig(`${home}/alone`);
      const same = await alone.create();
      const whole = await alone.ask(same, "One");
      assert.equal(done.figures.reusedTokens + done.figures.prefilledTokens, done.figures.promptTokens);
      assert.ok(done.figures.promptTokens > whole.figures.promptTokens);
      assert.equal((await other.agents.get(id)).turns.length, 3);
    }));

  it("fork goes on from no turn that the agent does not have, and makes nothing then", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "One");
      await assert.rejects(rig.agents.fork(id, "Bob", "t7"), {
        code: "INVALID_REQUEST",
        message: /Ada has no turn t7/,
      });
      assert.equal((await rig.agents.list()).length, 1);
    }));

  it("cannot start over with more turns than were answered, or with none", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "One");
      for (const turns of [0, 2, 1.5]) {
        await assert.rejects(rig.agents.startOver(id, turns), { code: "INVALID_REQUEST" });
      }
      assert.equal((await rig.agents.get(id)).turns.length, 1);
    }));

  it("regenerate answers the same message on a new branch without reading it again", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "One");
      const first = await rig.ask(id, "Two", { temperature: 1, seed: 1 });
      const running = await rig.agents.regenerate(id, undefined, { temperature: 1, seed: 2 });
      const second = await rig.over(id, running);
      assert.notDeepEqual(second.tokenIds, first.tokenIds);
      assert.equal(second.figures.prefilledTokens, 1);
      const detail = await rig.agents.get(id);
      assert.deepEqual(
        detail.turns.map((turn) => turn.id),
        ["t1", "t3"],
      );
      assert.equal(othersOf(detail)[0]?.turn, "t2");
    }));

  it("fork goes on from any turn; neither knows of the other, and no token is read again", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "One");
      await rig.ask(id, "Two");
      const computed = rig.runner.computedTokens;
      const fork = await rig.agents.fork(id, "Ada the Second", "t1");
      assert.equal(rig.runner.computedTokens, computed);
      assert.equal(fork.tier, "hot");
      assert.deepEqual([fork.turnCount, fork.index], [1, 1]);
      const [a, b] = [await rig.ask(id, "Three"), await rig.ask(fork.id, "Other")];
      assert.equal(a.figures.cache.tier, "hot");
      assert.equal(b.figures.cache.tier, "hot");
      assert.ok(b.figures.prefilledTokens < b.figures.reusedTokens);
      assert.equal((await rig.agents.get(id)).turns.length, 3);
      assert.deepEqual(
        (await rig.agents.get(fork.id)).turns.map((turn) => turn.user),
        ["One", "Other"],
      );
      rig.session.engine.assertInvariants();
    }));

  it("a fork of an agent on disk finds its blocks there", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const id = await rig.create();
      await rig.ask(id, "One");
      await rig.agents.close();
      const next = new AgentRig(home);
      const fork = await next.agents.fork(id, "Fork");
      assert.equal(fork.tier, "warm");
      const { figures } = await next.ask(fork.id, "Two");
      assert.equal(figures.cache.tier, "warm");
      assert.ok(figures.prefilledTokens < figures.reusedTokens);
    }));

  it("delete removes what only the agent used, and nothing of a fork", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home);
      const files = async () => {
        const names = await readdir(path.join(home, "store"), { recursive: true });
        return names.filter((name) => name.endsWith(".safetensors")).length;
      };
      const id = await rig.create();
      await rig.ask(id, "One");
      const fork = await rig.agents.fork(id, "Fork");
      const shared = await files();
      await rig.ask(id, "Two");
      assert.ok((await files()) > shared);
      await rig.agents.delete(id);
      assert.equal(await files(), shared);
      assert.deepEqual(
        (await rig.agents.list()).map((agent) => agent.name),
        ["Fork"],
      );
      assert.ok((await rig.ask(fork.id, "Three")).figures.reusedTokens > 0);
      await rig.agents.delete(fork.id);
      assert.equal(await files(), 0);
      assert.equal(rig.session.engine.pool.referencedBlocks, 0);
    }));

  it("delete stops a running answer", () =>
    inFolder(async (home) => {
      const rig = new AgentRig(home, { maxAnswerTokens: 300 });
      const id = await rig.create();
      const running = await rig.agents.send(id, { text: "Hello" });
      await lettersOf(running, 3);
      await rig.agents.delete(id);
      assert.equal((await running.done).finishReason, "aborted");
      await assert.rejects(rig.agents.get(id), { code: "AGENT_NOT_FOUND" });
      assert.equal(rig.session.engine.pool.referencedBlocks, 0);
    }));
});

describe("two processes", function () {
  this.timeout(20_000);

  it("the second one reads and forks, and goes on when the first has closed", () =>
    inFolder(async (home) => {
      const locks = new FakeLocks();
      const first = new AgentRig(home, { locks });
      const second = new AgentRig(home, { locks });
      const id = await first.create();
      await first.ask(id, "One");
      await assert.rejects(second.agents.send(id, { text: "Two" }), { code: "AGENT_LOCKED" });
      const seen = await second.agents.get(id);
      assert.equal(seen.lockedElsewhere, true);
      assert.equal(seen.turns[0]?.state, "done");
      const fork = await second.agents.fork(id, "Fork");
      assert.equal((await second.ask(fork.id, "Two")).figures.cache.tier, "warm");
      await first.agents.close();
      // A list may say what was seen up to two seconds ago; one agent is looked at anew.
      assert.equal((await second.agents.get(id)).lockedElsewhere, false);
      assert.equal((await second.agents.list())[0]?.lockedElsewhere, false);
      assert.ok((await second.ask(id, "Two")).figures.reusedTokens > 0);
    }));
});
